import type { IncomingMessage } from 'node:http';
import type { EstLabel } from '../../services/est-labels.ts';
import type { Layout } from './answers.ts';

/**
 * How a client gets its base64. strongSwan's `pki` takes it in one line alone; libest and
 * `openssl enc -d` take lines alone. strongSwan (5.9.8) says nothing of itself; nor does BouncyCastle,
 * which takes both.
 */
export const layoutFor = (
  { base64 }: Pick<EstLabel, 'base64'>,
  { headers }: Pick<IncomingMessage, 'headers'>,
): Layout => {
  if (base64 !== 'auto') return base64;
  return isSilent({ headers }) ? 'single' : 'wrapped';
};

/** Whether a client says nothing of itself, neither User-Agent nor Accept. */
export const isSilent = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['user-agent'] === undefined && headers.accept === undefined;
