import type { SigningWishes } from '../../services/contract-signing.ts';

const SESSION_ID_OCTETS = 8;

/**
 * What somebody wishes of contract data that no car has asked for.
 * @param sessionId up to 8 octets in hex; all zeros without, as of a message of no session
 * @param root SHA-256 in hex, in any case, of the V2G root that the signature is to be below
 */
export const signingWishes = ({
  sessionId = '',
  root,
}: {
  readonly sessionId?: string | undefined;
  readonly root?: string | undefined;
}): SigningWishes => ({
  sessionId: Buffer.from(sessionId.padStart(2 * SESSION_ID_OCTETS, '0'), 'hex'),
  ...(root === undefined ? {} : { rootSha256: root.toLowerCase() }),
});
