/**
 * Measures everything, or what is named: `npm run bench -- installation ocsp`. Each is made one file
 * of JavaScript first, as a deployed evpki is JavaScript: what runs sources as they are gives every
 * closure its name when it is made, which the code that is measured is not to pay for.
 */

import { spawnSync } from 'node:child_process';
import { makeFiles } from '../test/support/one-file.ts';

/** In their order, with the programs that they start, and options of Node. */
const benchmarks: Readonly<
  Record<string, { readonly starts?: string; readonly options?: readonly string[] }>
> = {
  issuance: {},
  installation: { starts: 'installation-server' },
  ocsp: { starts: 'ocsp-server' },
  crl: { options: ['--expose-gc'] },
  durable: {},
  start: {},
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  process.stderr.write(`there is no benchmark ${unknown.join(', ')}\n`);
  process.exit(64);
}
for (const [name, { starts, options = [] }] of Object.entries(benchmarks)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const others = starts === undefined ? [] : [`bench/${starts}.ts`];
  const { script, remove } = await makeFiles([`bench/${name}.ts`, ...others], { keepNames: false });
  try {
    const { status } = spawnSync(process.execPath, [...options, script], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  } finally {
    await remove();
  }
}
