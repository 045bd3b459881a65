/** Policies of an operator's own: a copy of `policies/` with some of its files changed. */

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './one-file.ts';

/**
 * Leaves such a copy, for `EVPKI_POLICIES`.
 * @param folder where; it is made
 * @param files texts by their names, or what becomes of one that is there
 */
export function leavePolicies(
  folder: string,
  files: Readonly<Record<string, string | ((text: string) => string)>>,
): void {
  cpSync(join(repository, 'policies'), folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    writeFileSync(file, typeof text === 'string' ? text : text(readFileSync(file, 'utf8')));
  }
}
