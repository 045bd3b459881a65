/**
 * Departures from the signature profile that software in the field is known for. Each can be
 * allowed by itself, none is by default, and whoever verifies hears which of them were needed.
 */
export const lenientReadings = {
  'older-emaid-digest':
    'The digest of eMAID is that of its typed grammar, not of the element-fragment grammar.',
  'missing-transforms': 'A reference has no Transforms; canonical EXI is meant.',
  'reference-id': 'A reference has an Id.',
  'reference-type': 'A reference has a Type, which [V2G2-771] forbids.',
  'signed-info-id': 'SignedInfo has an Id, which [V2G2-771] forbids.',
  'signature-value-id': 'SignatureValue has an Id, which [V2G2-771] forbids.',
  'signed-info-grammar':
    "SignedInfo was signed in the grammar of the message's own schema, not in that of xmldsig alone.",
} as const;

export type LenientReading = keyof typeof lenientReadings;

/** The profile and nothing else. */
export const strictReading: ReadonlySet<LenientReading> = new Set();
