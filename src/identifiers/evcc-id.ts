import { lettersDigitsAndHyphen, textProblem } from './alphabet.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/**
 * Identifier of a vehicle's communication controller in ISO 15118-20 annex C, the common name of
 * a vehicle (TLS client) certificate. The EVCCID of ISO 15118-2 is something else: six octets of
 * a MAC address, in no certificate.
 */
export interface EvccId {
  /** World manufacturer identifier (ISO 3780), three letters or digits. */
  readonly wmi: string;
  /** 15 to 250 letters and digits; without hyphens a check digit, if any, is its last character. */
  readonly vehicle: string;
  /** Only known where a hyphen sets it off. Not verified: its algorithm is not public. */
  readonly checkDigit?: string;
  /** Upper case without hyphens. */
  readonly normal: string;
}

const what = 'An EVCCID';
const bare = /^([A-Z0-9]{3})V([A-Z0-9]{15,251})$/;
const hyphenated = /^([A-Z0-9]{3})-V-([A-Z0-9]{15,250})(?:-([A-Z0-9]))?$/;

/**
 * Reads an EVCCID of ISO 15118-20 in any case, with a hyphen between all parts or between none.
 * Longer ones than 64 characters do not fit into a common name; that is for the profile to refuse.
 */
export const parseEvccId = (text: string): Parsed<EvccId> => {
  const problem = textProblem(text, what, { min: 19, max: 258 }, lettersDigitsAndHyphen);
  if (problem !== undefined) return unparsed(problem);
  const written = text.toUpperCase();
  const [, wmi, vehicle, checkDigit] = bare.exec(written) ?? hyphenated.exec(written) ?? [];
  if (wmi === undefined || vehicle === undefined) {
    return unparsed(
      `${what} is a WMI (3 characters), 'V', 15 to 250 letters and digits and an optional check digit, with hyphens between all of them or none`,
    );
  }
  const normal = written.replaceAll('-', '');
  return parsed(
    checkDigit === undefined ? { wmi, vehicle, normal } : { wmi, vehicle, checkDigit, normal },
  );
};
