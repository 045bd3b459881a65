/** A program of ours as one file: to find and load hundreds of modules takes longer than to run. */

import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface OneFile {
  /** A temporary folder, laid out as the repository is. */
  readonly folder: string;
  readonly script: string;
  remove(): Promise<void>;
}

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What programs look for beside themselves. */
const beside = ['node_modules', 'package.json', 'policies', 'ca', 'openapi.yaml'];

/** Clients of databases: the native one, and those that knex only loads if it is told to. */
const leftOutside = [
  ...['sqlite3', 'better-sqlite3', 'mysql', 'mysql2', 'mariadb', 'oracledb', 'tedious'],
  ...['pg-native', 'pg-query-stream'],
];

/**
 * @param entry its first module, from the root of the repository, such as `src/cli/main.ts`
 * @param root the checkout that it is from
 */
export const makeOneFile = (entry: string, root = repository): Promise<OneFile> =>
  makeFiles([entry], { root, keepNames: true });

/**
 * A program as one file, and others that it starts, which are looked for beside it.
 * @param options.keepNames whether functions have the names that they have in the source, however
 *   they come to them: to give a closure its name takes longer than to make it
 */
export async function makeFiles(
  [entry, ...others]: readonly [string, ...string[]],
  { root = repository, keepNames }: { readonly root?: string; readonly keepNames: boolean },
): Promise<OneFile> {
  const folder = await mkdtemp(join(tmpdir(), 'evpki-process-'));
  for (const name of beside) {
    await symlink(join(root, name), join(folder, name));
  }
  await build({
    entryPoints: [entry, ...others].map((each) => join(root, each)),
    outdir: folder,
    outbase: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: `node${process.versions.node}`,
    keepNames,
    external: leftOutside,
    // What was CommonJS asks for the modules of Node in its own way.
    banner: {
      js: `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url);`,
    },
    logLevel: 'error',
  });
  const script = join(folder, entry.replace(/\.ts$/, '.js'));
  return { folder, script, remove: () => rm(folder, { recursive: true }) };
}
