/** Certificate chains on their way from the API to a file or the terminal. */

import { createHash } from 'node:crypto';
import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PemError, readPemBlocks, toPem } from '../pki/pem.ts';
import type { IssuedCertificate } from './api-bodies.ts';
import { exitStatus, Failure, usageFailure } from './failure.ts';
import { unwritable, whyUnwritable } from './file-failure.ts';

export interface Chain {
  /** Nothing but certificates, whatever the answer had around them. */
  readonly pem: string;
  readonly count: number;
  /** SHA-256 over the DER of the first, in the notation of openssl. */
  readonly fingerprint: string;
}

/** @throws Failure when the text is not a chain of certificates */
export function readChain(text: string): Chain {
  let blocks: ReturnType<typeof readPemBlocks> = [];
  try {
    blocks = readPemBlocks(text);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
  }
  const [first] = blocks;
  if (!first || blocks.some(({ label }) => label !== 'CERTIFICATE')) {
    throw new Failure(exitStatus.unknown, 'the service answered without a certificate chain');
  }
  const hash = createHash('sha256').update(first.der).digest('hex').toUpperCase();
  return {
    pem: blocks.map(({ der }) => toPem('CERTIFICATE', der)).join(''),
    count: blocks.length,
    fingerprint: hash.replace(/..(?=.)/g, '$&:'),
  };
}

/**
 * Whether a chain could be written to this file, asked before one is issued.
 * @throws Failure when it could not, or when a private key is there
 */
export async function checkTarget(file: string, option = '--out'): Promise<void> {
  try {
    const existing = await stat(file).catch(missing);
    await access(existing ? file : dirname(file), constants.W_OK);
    if (existing?.isDirectory()) throw usageFailure(`${file} is a folder`, 'Name a file in it.');
    if (!existing?.isFile()) return;
    if ((await readFile(file, 'latin1')).includes('PRIVATE KEY-----')) {
      throw usageFailure(
        `${file} holds a private key and is left alone`,
        `Name another ${option}.`,
      );
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw unwritable(file, error);
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** @throws Failure telling how to get at the chain, which exists by now */
export async function writeChain(file: string, certificate: IssuedCertificate): Promise<void> {
  const { pem } = readChain(certificate.certificateChain);
  try {
    await writeFile(file, pem);
  } catch (error) {
    throw new Failure(
      exitStatus.unknown,
      `certificate ${certificate.id} was issued, but ${file} cannot be written (${whyUnwritable(error)})`,
      { remedy: `Get it with \`evpki cert show ${certificate.id} --pem\`.` },
    );
  }
}
