import { readPemBlocks, toPem } from '../../src/pki/pem.ts';

/** A certificate in PEM with a bit of its signature flipped; its DER stays well-formed. */
export function tampered(pem: string): string {
  const [block] = readPemBlocks(pem);
  if (!block) throw new Error('there is no PEM block');
  const der = Uint8Array.from(block.der);
  // The signature is last, and this far from its end there is no length octet of ECDSA's DER.
  const position = der.length - 10;
  der[position] = (der[position] ?? 0) ^ 1;
  return toPem(block.label, der);
}
