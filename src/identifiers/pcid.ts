import { lettersAndDigits, textProblem } from './alphabet.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/**
 * Provisioning certificate identifier: names one vehicle in the common name of its OEM
 * provisioning certificate (CertID of ISO 15118-2 [V2G2-933]; VDE-AR-E 2802-100-1).
 */
export interface Pcid {
  /** World manufacturer identifier (ISO 3780), three letters or digits. */
  readonly wmi: string;
  /** What the maker put behind it, a check digit included if there is one. */
  readonly vehicle: string;
  /** Upper case. */
  readonly normal: string;
}

const what = 'A PCID';

/**
 * Reads a PCID in any case. Two forms are in use: the one of VDE-AR-E 2802-100-1 and OPCP with 17
 * characters or 18 with check digit, and the one of ISO 15118-20 annex C.2, in which `P` follows
 * the WMI, then 13 to 250 characters and an optional check digit. Where both fit, both mean the
 * same text. The check digit is not verified: its presence cannot be told from the text. Longer
 * ones than 64 characters do not fit into a common name; that is for the profile to refuse.
 */
export const parsePcid = (text: string): Parsed<Pcid> => {
  const problem = textProblem(text, what, { min: 17, max: 255 }, lettersAndDigits);
  if (problem !== undefined) return unparsed(problem);
  const normal = text.toUpperCase();
  if (normal.length > 18 && normal.charAt(3) !== 'P') {
    return unparsed(
      `${what} has 17 or 18 characters, or more with 'P' behind its WMI; this one has ${normal.length}`,
    );
  }
  return parsed({ wmi: normal.slice(0, 3), vehicle: normal.slice(3), normal });
};
