/**
 * CertificateSigned (OCPP 2.0.1 and 2.1 A02, A03; security whitepaper of 1.6 A02): the chain that a
 * station is sent, as one PEM text. Whether the root belongs to it OCPP does not say, and stations
 * disagree: libocpp leaves out a root that comes with it, open-ocpp rejects a chain without one.
 */

import { isSelfIssued, readCertificate } from '../pki/certificate.ts';
import { toPem } from '../pki/pem.ts';

/** How a station takes its chains. */
export interface ChainPolicy {
  /** Whether the root stands at the end; unless set it is left out, as ISO 15118 and TLS do. */
  readonly includeRoot?: boolean;
  /**
   * Characters that the station takes: what it reports as CertificateSignedMaxChainSize (1.6) or
   * SecurityCtrlr.MaxCertificateChainSize (2.x).
   */
  readonly maximumSize?: number;
}

/** Characters that certificateChain may have in every version of OCPP. */
export const MAX_CHAIN_SIZE = 10_000;

/** One certificate alone has more. Stations that report less count certificates, or nothing. */
const MIN_CHAIN_SIZE = 500;

/** Why a number cannot be what a station takes; undefined for one that can. */
export function chainSizeFault(characters: number): string | undefined {
  if (!Number.isSafeInteger(characters)) return 'the size of a chain is a whole number';
  if (characters > MAX_CHAIN_SIZE) {
    return `in OCPP a chain has at most ${MAX_CHAIN_SIZE} characters`;
  }
  if (characters >= MIN_CHAIN_SIZE) return undefined;
  return (
    `the size of a chain is counted in characters, and no chain has less than ${MIN_CHAIN_SIZE}; ` +
    'a station that reports less counts something else: leave it out'
  );
}

export type ChainWarning =
  /** The station takes less than that; it was not cut, for then it would be no chain. */
  | {
      readonly code: 'chain-too-long';
      readonly characters: number;
      readonly limit: number;
      /** Whose limit it is: a message of OCPP cannot carry more, or this station takes no more. */
      readonly of: 'ocpp' | 'station';
    }
  /** The station wants the root, and takes the chain only without. */
  | { readonly code: 'root-left-out'; readonly characters: number; readonly limit: number }
  /** The station wants the root, and it is not among the certificates. */
  | { readonly code: 'root-unknown' };

export interface SignedChain {
  /** What certificateChain has to be: PEM, LF, nothing between the certificates. */
  readonly certificateChain: string;
  readonly warnings: readonly ChainWarning[];
}

/**
 * The chain for CertificateSigned. It is never cut: where it is longer than the station takes, a
 * root that the station wants is left out if it fits then, and otherwise it stays as it is.
 * @param certificates DER, the leaf first, each followed by its issuer's; what stands behind the
 *   first root is left out
 * @throws DerError for what is no certificate
 */
export function signedChain(
  certificates: readonly Uint8Array[],
  { includeRoot = false, maximumSize = MAX_CHAIN_SIZE }: ChainPolicy = {},
): SignedChain {
  const top = certificates.findIndex((der) => isSelfIssued(readCertificate(der)));
  // A root that is asked about is itself what there is to send.
  const belowRoot = top < 0 ? certificates : certificates.slice(0, Math.max(top, 1));
  const short = pemOf(belowRoot);
  if (!includeRoot) return { certificateChain: short, warnings: tooLong(short, maximumSize) };
  if (top < 0) {
    const warnings = [{ code: 'root-unknown' } as const, ...tooLong(short, maximumSize)];
    return { certificateChain: short, warnings };
  }
  const long = pemOf(certificates.slice(0, top + 1));
  if (long.length <= maximumSize || short.length > maximumSize) {
    return { certificateChain: long, warnings: tooLong(long, maximumSize) };
  }
  const { length: characters } = long;
  const warning = { code: 'root-left-out', characters, limit: maximumSize } as const;
  return { certificateChain: short, warnings: [warning] };
}

const tooLong = ({ length: characters }: string, limit: number): ChainWarning[] =>
  characters <= limit
    ? []
    : [
        {
          ...{ code: 'chain-too-long', characters, limit },
          of: limit < MAX_CHAIN_SIZE ? 'station' : 'ocpp',
        },
      ];

const pemOf = (certificates: readonly Uint8Array[]): string =>
  certificates.map((der) => toPem('CERTIFICATE', der)).join('');

/** A warning as a sentence for people, without its full stop. */
export function chainWarningText(warning: ChainWarning): string {
  if (warning.code === 'root-unknown') return 'the station wants the root, which is not known here';
  const { characters, limit } = warning;
  if (warning.code === 'root-left-out') {
    return `the root is left out: with it certificateChain has ${characters} characters, and the station takes ${limit}`;
  }
  return warning.of === 'ocpp'
    ? `certificateChain has ${characters} characters; in OCPP it may have ${limit}`
    : `certificateChain has ${characters} characters; the station takes ${limit}`;
}
