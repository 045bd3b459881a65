/** The house rule on src as it is, and proof that the check catches each way of breaking it. */

import { describe, expect, test } from 'vitest';
import { deterministicCrypto, examine, placeOf, places } from './support/house.ts';
import { filesBelow, readRepositoryFile } from './support/repository.ts';

const sources = filesBelow('src');
const texts = new Map(sources.map((file) => [file, readRepositoryFile(file)]));

describe('src', () => {
  const { graph, violations } = examine(texts);

  test('keeps the rule', () => {
    expect(violations).toEqual([]);
  });

  test('was seen whole: every file is TypeScript, has a place and was examined', () => {
    expect(sources.filter((file) => !file.endsWith('.ts'))).toEqual([]);
    expect(sources.filter((file) => placeOf(file) === undefined)).toEqual([]);
    expect([...graph.keys()].sort()).toEqual(sources);
    expect(sources.length).toBeGreaterThan(100);
  });

  test('was seen deep: imports that are known to be there were found', () => {
    expect(graph.get('src/main.ts')).toContain('src/app.ts');
    expect(graph.get('src/pki/request.ts')).toContain('src/pki/der.ts');
    const edges = [...graph.values()].reduce((sum, targets) => sum + targets.length, 0);
    expect(edges).toBeGreaterThan(sources.length);
  });

  test('allows only packages that package.json installs for production', () => {
    const { dependencies } = JSON.parse(readRepositoryFile('package.json'));
    const allowed = Object.values(places).flatMap(({ packages }) => packages);
    expect(allowed.filter((name) => !(name in dependencies))).toEqual([]);
  });
});

/** A tree in which nothing is wrong; each case below adds one file to it. */
const soundTree = new Map(
  Object.entries({
    'src/identifiers/emaid.ts': 'export const emaid = (text: string): string => text;',
    'src/pki/der.ts': "import { createHash } from 'node:crypto'; export const hash = createHash;",
    'src/pki/issue.ts': "import { hash } from './der.ts'; export const issue = hash;",
    'src/iso15118/exi.ts': "export { hash } from '../pki/der.ts';",
    'src/ocpp/frames.ts': "import { z } from 'zod'; export const frame = z.string();",
    'src/services/stations.ts':
      "import type { issue } from '../pki/issue.ts'; export type Issue = typeof issue;",
    'src/storage/stations.ts':
      "import knex from 'knex'; import '../services/stations.ts'; export const open = knex;",
    'src/keystore/vault.ts': "import { randomBytes } from 'node:crypto'; export { randomBytes };",
    'src/http/listener.ts': "export { createServer } from 'node:http';",
    'src/http/api/server.ts': "export { default as express } from 'express';",
    'src/http/public/server.ts': "export type { Issue } from '../../services/stations.ts';",
    'src/config/settings.ts': "export { emaid } from '../identifiers/emaid.ts';",
    'src/cli/main.ts': "import '../app.ts';",
    'src/app.ts': "import './storage/stations.ts'; import './http/listener.ts';",
    'src/main.ts': "import './app.ts'; import './config/settings.ts';",
  }),
);

const violationsWith = (file: string, text: string): readonly string[] =>
  examine(new Map([...soundTree, [file, text]])).violations;

test('a sound tree has no violations', () => {
  expect(examine(soundTree).violations).toEqual([]);
});

describe('every form of import is seen', () => {
  const from = 'src/pki/planted.ts';
  const target = "'../services/stations.ts'";
  test.each([
    ['static', `import { x } from ${target};`],
    ['default', `import x from ${target};`],
    ['namespace', `import * as x from ${target};`],
    ['for its side effect', `import ${target};`],
    ['type-only', `import type { Issue } from ${target};`],
    ['inline type', `import { type Issue } from ${target};`],
    ['re-export', `export { Issue } from ${target};`],
    ['type-only re-export', `export type { Issue } from ${target};`],
    ['star re-export', `export * from ${target};`],
    ['named star re-export', `export * as stations from ${target};`],
    ['dynamic', `export const x = () => import(${target});`],
    ['dynamic with a template', 'export const x = () => import(`../services/stations.ts`);'],
    ['import type', `export type X = import(${target}).Issue;`],
    ['typeof import', `export type X = typeof import(${target});`],
    ['import equals', `import x = require(${target});`],
    ['with attributes', `import x from ${target} with { type: 'json' };`],
    ['in an ambient module', `declare module 'x' { import { Issue } from ${target}; }`],
    ['triple-slash reference', '/// <reference path="../services/stations.ts" />'],
    ['worker', `new Worker(new URL(${target}, import.meta.url));`],
    ['require', `const x = require(${target});`],
    ['require.resolve', `const x = require.resolve(${target});`],
    [
      'createRequire',
      `import { createRequire as make } from 'node:module'; const load = make('/'); load(${target});`,
    ],
    [
      'createRequire called at once',
      `import * as m from 'node:module'; m.createRequire('/')(${target});`,
    ],
  ])('%s', (_form, text) => {
    expect(violationsWith(from, text)).toContain(`${from}:1: pki imports services`);
  });

  test('on its own line', () => {
    expect(violationsWith(from, `\n\nimport ${target};`)).toEqual([
      `${from}:3: pki imports services`,
    ]);
  });

  test('a source that cannot be parsed is an error, not an empty one', () => {
    expect(() => violationsWith(from, 'import {')).toThrow(from);
  });

  test('import-like text in strings and comments is none', () => {
    const text = `// import x from ${target}\nexport const x = "import x from 'knex'";`;
    expect(violationsWith(from, text)).toEqual([]);
  });
});

describe('planted violations of direction are reported', () => {
  test.each([
    ['src/identifiers/planted.ts', '../pki/der.ts', 'identifiers imports pki'],
    ['src/pki/planted.ts', '../iso15118/exi.ts', 'pki imports iso15118'],
    ['src/pki/planted.ts', '../ocpp/frames.ts', 'pki imports ocpp'],
    ['src/pki/planted.ts', '../services/stations.ts', 'pki imports services'],
    ['src/pki/planted.ts', '../storage/stations.ts', 'pki imports storage'],
    ['src/pki/lint/planted.ts', '../../storage/stations.ts', 'pki imports storage'],
    ['src/iso15118/planted.ts', '../services/stations.ts', 'iso15118 imports services'],
    ['src/iso15118/planted.ts', '../ocpp/frames.ts', 'iso15118 imports ocpp'],
    ['src/ocpp/planted.ts', '../iso15118/exi.ts', 'ocpp imports iso15118'],
    ['src/services/planted.ts', '../storage/stations.ts', 'services imports storage'],
    ['src/services/planted.ts', '../config/settings.ts', 'services imports config'],
    ['src/services/planted.ts', '../app.ts', 'services imports app.ts'],
    ['src/storage/planted.ts', '../keystore/vault.ts', 'storage imports keystore'],
    ['src/keystore/planted.ts', '../storage/stations.ts', 'keystore imports storage'],
    ['src/http/public/planted.ts', '../api/server.ts', 'http/public imports http/api'],
    ['src/http/api/planted.ts', '../public/server.ts', 'http/api imports http/public'],
    ['src/http/api/planted.ts', '../listener.ts', 'http/api imports http/listener.ts'],
    ['src/http/est/planted.ts', '../api/server.ts', 'http/est imports http/api'],
    ['src/http/opcp/planted.ts', '../api/server.ts', 'http/opcp imports http/api'],
    ['src/gateway/planted.ts', '../http/api/server.ts', 'gateway imports http/api'],
    ['src/jobs/planted.ts', '../storage/stations.ts', 'jobs imports storage'],
    ['src/notify/planted.ts', '../storage/stations.ts', 'notify imports storage'],
    ['src/observe/planted.ts', '../config/settings.ts', 'observe imports config'],
    ['src/outbound/planted.ts', '../http/listener.ts', 'outbound imports http/listener.ts'],
    ['src/console/planted.ts', '../http/api/server.ts', 'console imports http/api'],
    ['src/cli/planted.ts', '../storage/stations.ts', 'cli imports storage'],
    ['src/cli/planted.ts', '../main.ts', 'cli imports main.ts'],
    ['src/app.ts', './main.ts', 'app.ts imports main.ts'],
    ['src/app.ts', './cli/main.ts', 'app.ts imports cli'],
    ['src/config/planted.ts', '../services/stations.ts', 'config imports services'],
    ['src/declarations.ts', './config/settings.ts', 'declarations.ts imports config'],
    ['src/bootstrap-secret.ts', './pki/der.ts', 'bootstrap-secret.ts imports pki'],
    ['src/http/listener.ts', '../pki/der.ts', 'http/listener.ts imports pki'],
    ['src/pki/planted.ts', './der', 'imports ./der, which is no file of src'],
    ['src/pki/planted.ts', './der.js', 'imports ./der.js, which is no file of src'],
    ['src/pki/planted.ts', '..', 'imports .., which is no file of src'],
    ['src/pki/planted.ts', '/src/pki/der.ts', 'which is no file of src'],
    ['src/pki/planted.ts', '../../package.json', 'which is no file of src'],
    ['src/pki/planted.ts', '../../test/support/house.ts', 'which is no file of src'],
  ])('%s: %s', (file, specifier, expected) => {
    const violations = violationsWith(file, `import '${specifier}';`);
    expect(violations).toContainEqual(expect.stringContaining(expected));
  });

  test.each(['src/planted.ts', 'src/http/planted.ts', 'src/utils/planted.ts', 'src/pki.ts'])(
    '%s has no place',
    (file) => {
      expect(violationsWith(file, '')).toEqual([`${file}:1: has no place in the house`]);
    },
  );
});

describe('planted imports from outside are reported', () => {
  test.each([
    ['identifiers', 'x', 'node:fs', 'imports node:fs'],
    ['pki', 'x', 'node:fs/promises', 'imports node:fs/promises'],
    ['pki', 'x', 'node:net', 'imports node:net'],
    ['pki', 'x', 'node:os', 'imports node:os'],
    ['pki', 'x', 'fs', 'imports package fs'],
    ['pki', 'x', 'crypto', 'imports package crypto'],
    ['pki', 'randomBytes', 'node:crypto', 'imports randomBytes of node:crypto'],
    ['pki', 'randomUUID as createHash', 'node:crypto', 'imports randomUUID of node:crypto'],
    ['pki', "'randomInt' as createHash", 'node:crypto', 'imports randomInt of node:crypto'],
    ['pki', 'default as c', 'node:crypto', 'imports default of node:crypto'],
    ['pki', 'webcrypto', 'node:crypto', 'imports webcrypto of node:crypto'],
    ['pki', 'generateKeyPairSync', 'node:crypto', 'imports generateKeyPairSync of node:crypto'],
    ['iso15118', 'generateKeySync', 'node:crypto', 'imports generateKeySync of node:crypto'],
    ['iso15118', 'sign', 'node:crypto', 'imports sign of node:crypto'],
    ['ocpp', 'publicEncrypt', 'node:crypto', 'imports publicEncrypt of node:crypto'],
    ['services', 'randomBytes', 'node:crypto', 'imports randomBytes of node:crypto'],
    ['pki', 'x', '@peculiar/x509', 'imports package @peculiar/x509'],
    ['pki', 'x', 'yaml', 'imports package yaml'],
    ['services', 'x', 'node:fs', 'imports node:fs'],
    ['services', 'x', 'node:http', 'imports node:http'],
    ['services', 'x', 'node:net', 'imports node:net'],
    ['services', 'x', 'knex', 'imports package knex'],
    ['services', 'x', 'express', 'imports package express'],
    ['services', 'x', 'pino', 'imports package pino'],
    ['storage', 'x', 'express', 'imports package express'],
    ['storage', 'x', 'node:https', 'imports node:https'],
    ['keystore', 'x', 'node:net', 'imports node:net'],
    ['config', 'isIP, connect', 'node:net', 'imports node:net'],
    ['keystore', 'x', 'knex', 'imports package knex'],
    ['http/public', 'x', 'express', 'imports package express'],
    ['http/public', 'x', 'knex', 'imports package knex'],
    ['http/api', 'x', 'knex', 'imports package knex'],
    ['http/api', 'x', 'knex/lib/client.js', 'imports package knex/lib/client.js'],
    ['storage', 'x', 'node:module', 'imports node:module'],
    ['storage', 'x', 'node:vm', 'imports node:vm'],
    ['storage', 'x', 'vitest', 'imports package vitest'],
    ['storage', 'x', 'evpki', 'imports package evpki'],
    ['storage', 'x', 'file:///x.ts', 'imports package file:///x.ts'],
    ['storage', 'x', '#x', 'imports package #x'],
  ])('%s: { %s } from %s', (place, names, specifier, expected) => {
    const file = `src/${place}/planted.ts`;
    expect(violationsWith(file, `import { ${names} } from '${specifier}';`)).toEqual([
      `${file}:1: ${place} ${expected}`,
    ]);
  });

  test.each([
    ['namespace', "import * as c from 'node:crypto';"],
    ['star', "export * from 'node:crypto';"],
    ['dynamic', "export const c = import('node:crypto');"],
  ])('all of node:crypto: %s', (_form, text) => {
    expect(violationsWith('src/pki/planted.ts', text)).toEqual([
      'src/pki/planted.ts:1: pki imports * of node:crypto',
    ]);
  });

  test('types count: knex in a use case', () => {
    const text = "export type Rows = import('knex').Knex;";
    expect(violationsWith('src/services/planted.ts', text)).toEqual([
      'src/services/planted.ts:1: services imports package knex',
    ]);
  });

  test.each([
    ['dynamic import', 'const x = (name: string) => import(name);'],
    ['dynamic import of a sum', "const x = import('./a' + '.ts');"],
    ['dynamic import of a template', `const x = (n: string) => import(\`./\${n}.ts\`);`],
    ['require', 'const x = (name: string) => require(name);'],
    ['worker', 'const x = (file: string) => new Worker(file);'],
    ['worker from code', "const x = new Worker('code', { eval: true });"],
  ])('what is not a literal: %s', (_form, text) => {
    expect(violationsWith('src/storage/planted.ts', text)).toEqual([
      'src/storage/planted.ts:1: imports what is not a literal',
    ]);
  });

  test('deterministic parts of node:crypto and zod pass, their types too', () => {
    const names = deterministicCrypto.join(', ');
    const text = `import { ${names} } from 'node:crypto'; import type { z } from 'zod';
      export type Key = import('node:crypto').KeyObject;`;
    for (const place of ['identifiers', 'pki', 'iso15118', 'ocpp', 'services']) {
      expect(violationsWith(`src/${place}/planted.ts`, text)).toEqual([]);
    }
  });
});

describe('planted clocks, randomness and surroundings are reported', () => {
  const ambient: readonly (readonly [text: string, what: string])[] = [
    ['const x = Date.now();', 'Date.now'],
    ["const x = Date['now']();", 'Date.now'],
    ['const { now } = Date;', 'Date.now'],
    ['const x = Date();', 'Date.now'],
    ['const x = new Date();', 'new Date()'],
    ['const x = new Date;', 'new Date()'],
    ['const x = new Date(...[]);', 'new Date()'],
    ['const x = (Date as DateConstructor).now();', 'Date.now'],
    ['const x = Math.random();', 'Math.random'],
    ["const x = Math['random']();", 'Math.random'],
    ['const { random } = Math;', 'Math.random'],
    ['const x = process.env.HOME;', 'process'],
    ['const x = process.hrtime();', 'process'],
    ["const x = process.getBuiltinModule('node:os');", 'process'],
    ['const x = performance.now();', 'performance'],
    ['const x = globalThis.crypto;', 'globalThis'],
    ['const x = crypto.getRandomValues(new Uint8Array(1));', 'crypto'],
    ['const x = { crypto };', 'crypto'],
    ["const x = fetch('http://x');", 'fetch'],
    ["const x = new WebSocket('ws://x');", 'WebSocket'],
    ["const x = new Function('return 1');", 'Function'],
    ["const x = eval('1');", 'eval'],
    ['const x = new Intl.DateTimeFormat().format();', 'Intl'],
    ['console.log(1);', 'console'],
    ['const x = import.meta.url;', 'import.meta'],
    [
      "import { createECDH } from 'node:crypto'; createECDH('prime256v1').generateKeys();",
      'generateKeys',
    ],
    [
      "import { createECDH } from 'node:crypto'; createECDH('prime256v1')['generateKeys']();",
      'generateKeys',
    ],
  ];
  const timers: readonly (readonly [text: string, what: string])[] = [
    ['setTimeout(() => {}, 1);', 'setTimeout'],
    ['setInterval(() => {}, 1);', 'setInterval'],
    ['setImmediate(() => {});', 'setImmediate'],
    ['queueMicrotask(() => {});', 'queueMicrotask'],
  ];

  describe.each(['identifiers', 'pki', 'iso15118', 'ocpp'])('in %s', (place) => {
    test.each([...ambient, ...timers])('%s', (text, what) => {
      const file = `src/${place}/planted.ts`;
      expect(violationsWith(file, text)).toContain(`${file}:1: takes ${what} by itself`);
    });
  });

  test.each(ambient)('in services: %s', (text, what) => {
    const file = 'src/services/planted.ts';
    expect(violationsWith(file, text)).toContain(`${file}:1: takes ${what} by itself`);
  });

  test('services may wait', () => {
    expect(violationsWith('src/services/planted.ts', 'setTimeout(() => {}, 1);')).toEqual([]);
  });

  test.each([
    'const x = new Date(0).getTime() + Date.UTC(2026, 0) + Math.floor(1.5);',
    'const x = (value: unknown) => value instanceof Date;',
    'export interface X { readonly process: string; fetch(): void; now: Date }',
    'const x = (key: { crypto: string }) => key.crypto;',
    'const x = { process: 1, fetch() {} };',
    'export type X = (process: string) => typeof fetch;',
  ])('what only looks like it passes: %s', (text) => {
    expect(violationsWith('src/pki/planted.ts', text)).toEqual([]);
  });

  test('configuration may tell an address from a name', () => {
    expect(violationsWith('src/config/planted.ts', "import { isIPv6 } from 'node:net';")).toEqual(
      [],
    );
  });

  test('adapters may take what they are there for', () => {
    const text = 'const x = [Date.now(), process.pid, setTimeout(() => {}, 1)];';
    expect(violationsWith('src/storage/planted.ts', text)).toEqual([]);
  });
});

describe('planted cycles are reported', () => {
  const cycleOf = (...bodies: readonly string[]) =>
    examine(new Map(bodies.map((body, i) => [`src/pki/${'abc'[i]}.ts`, body]))).violations;

  test.each([
    ['of one', ["import './a.ts';"], 'a.ts -> src/pki/a.ts'],
    ['of two', ["import './b.ts';", "import './a.ts';"], 'a.ts -> src/pki/b.ts -> src/pki/a.ts'],
    [
      'of three, through types and a dynamic import',
      ["import type { b } from './b.ts';", "export * from './c.ts';", "import('./a.ts');"],
      'a.ts -> src/pki/b.ts -> src/pki/c.ts -> src/pki/a.ts',
    ],
    [
      'off the first file',
      ["import './b.ts';", "import './c.ts';", "import './b.ts';"],
      'b.ts -> src/pki/c.ts -> src/pki/b.ts',
    ],
  ])('%s', (_name, bodies, expected) => {
    expect(cycleOf(...bodies)).toEqual([expect.stringContaining(`cycle src/pki/${expected}`)]);
  });

  test('two ways to one file are none', () => {
    expect(cycleOf("import './b.ts'; import './c.ts';", "import './c.ts';", '')).toEqual([]);
  });
});
