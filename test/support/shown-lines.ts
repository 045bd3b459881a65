/** The lines of a shell that commands show for what they have done, and whether there is a shell. */

import { execFileSync } from 'node:child_process';
import { isRequired, noOpenssl } from './other-tools.ts';

/** The lines in what `evpki quickstart` or `evpki vehicle install` has said, as one script. */
export const shownLines = (stdout: string): string =>
  stdout
    .split('\n')
    .flatMap((line) => /^ {3}(?:\$ | {2})(.*)$/.exec(line)?.[1] ?? [])
    .join('\n');

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether the lines cannot be run here; never so where EVPKI_REQUIRE demands OpenSSL. */
export const cannotRunLines =
  noOpenssl || (!isRequired('openssl') && !(has('curl') && has('bash')));
