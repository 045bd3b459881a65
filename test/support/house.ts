/** The rule of the house: which part of src may import what, and what the pure parts may take. */

import { posix } from 'node:path';
import { ambientUses } from './ambient.ts';
import { type Import, importsOf } from './imports.ts';
import { parseSource, type Source } from './syntax.ts';

interface Place {
  /** The other places it may import; its own files it always may. */
  readonly imports: readonly string[] | 'everything';
  readonly packages: readonly string[];
  /** Modules of Node: only the deterministic part of node:crypto, or also files, or also network. */
  readonly node: 'deterministic' | 'local' | 'network';
  /** What it must be given instead of taking it: everything, or everything but timers. */
  readonly given?: 'everything' | 'all-but-timers';
}

const pure = { packages: ['zod'], node: 'deterministic', given: 'everything' } as const;
const rings = ['identifiers', 'pki', 'iso15118', 'ocpp', 'services'];
const adapter = (
  node: 'local' | 'network',
  packages: readonly string[] = [],
  more: readonly string[] = [],
): Place => ({ imports: [...rings, ...more], packages, node });

/** Every folder and file of src has its place here; the longest path that fits counts. */
export const places: Readonly<Record<string, Place>> = {
  identifiers: { imports: [], ...pure },
  pki: { imports: ['identifiers'], ...pure },
  iso15118: { imports: ['identifiers', 'pki'], ...pure },
  ocpp: { imports: ['identifiers', 'pki'], ...pure },
  services: {
    imports: ['identifiers', 'pki', 'iso15118', 'ocpp'],
    // Of jose only what checks and encodes: biome.json names it.
    packages: ['jose', 'zod'],
    node: 'deterministic',
    given: 'all-but-timers',
  },

  storage: adapter('local', ['knex', 'pg', 'sqlite3']),
  keystore: adapter('local'),
  'http/public': adapter('network'),
  'http/api': adapter(
    'network',
    ['express', 'express-openapi-validator'],
    ['http/client-certificate.ts', 'http/web-pages.ts'],
  ),
  'http/est': adapter('network', ['express'], ['http/web-pages.ts', 'http/pnc']),
  'http/opcp': adapter('network', ['express'], ['http/pnc']),
  'http/opnc': adapter('network', ['express'], ['http/pnc']),
  // What OPCP and OPNC have in common.
  'http/pnc': adapter('network', ['express']),
  gateway: adapter('network'),
  jobs: adapter('local'),
  notify: adapter('network'),
  outbound: adapter('network'),
  observe: adapter('network', ['pino', 'picocolors', 'prom-client']),
  console: adapter('network'),
  cli: adapter(
    'network',
    ['commander', 'picocolors', 'yaml', 'zod'],
    ['app.ts', 'config', 'declarations.ts', 'hierarchy-settings.ts', 'bootstrap-secret.ts'],
  ),

  config: { imports: ['identifiers', 'pki'], packages: ['yaml', 'zod'], node: 'local' },
  'declarations.ts': {
    imports: ['identifiers', 'pki', 'services'],
    packages: ['yaml'],
    node: 'local',
  },
  'hierarchy-settings.ts': { imports: ['config', 'services'], packages: [], node: 'deterministic' },
  'bootstrap-secret.ts': { imports: ['replaced-file.ts'], packages: [], node: 'local' },
  'replaced-file.ts': { imports: [], packages: [], node: 'local' },
  'http/client-certificate.ts': adapter(
    'network',
    [],
    ['http/forwarded-certificate.ts', 'http/peer-certificates.ts'],
  ),
  'http/forwarded-certificate.ts': adapter('network', [], ['http/peer-certificates.ts']),
  'http/peer-certificates.ts': adapter('network'),
  'http/web-pages.ts': adapter('network'),
  'http/listener.ts': { imports: ['identifiers'], packages: [], node: 'network' },
  'webcrypto.d.ts': { imports: [], packages: [], node: 'deterministic' },
  'app.ts': { imports: 'everything', packages: [], node: 'local' },
  app: { imports: 'everything', packages: [], node: 'local' },
  'main.ts': { imports: 'everything', packages: [], node: 'local' },
};

/** Importable by nobody: the ends that a person or the system starts. */
const ends = ['main.ts', 'cli', 'console'];

/** What of node:crypto gives the same answer to the same question, and the types of it. */
export const deterministicCrypto: readonly string[] = [
  ...['constants', 'createHash', 'createHmac', 'createPrivateKey', 'createPublicKey'],
  ...['createSecretKey', 'createVerify', 'createCipheriv', 'createDecipheriv', 'createECDH'],
  ...['diffieHellman', 'hash', 'hkdfSync', 'timingSafeEqual', 'verify'],
  ...['ECDH', 'Hash', 'JsonWebKey', 'KeyObject'],
];

const networkModules = ['dgram', 'dns', 'dns/promises', 'http', 'http2', 'https', 'net', 'tls'];
/** Of node:net, what looks at text only. */
const addressParsers = ['isIP', 'isIPv4', 'isIPv6'];
/** They load or run code behind the back of this check. */
const loadingModules = ['inspector', 'module', 'repl', 'test', 'vm'];

/** The name of the place that a file below src is in; undefined when nobody gave it one. */
export function placeOf(file: string): string | undefined {
  return Object.keys(places)
    .filter((place) => file === `src/${place}` || file.startsWith(`src/${place}/`))
    .sort((a, b) => b.length - a.length)[0];
}

export interface Examined {
  /** Every file that was read, with the files of src that it imports. */
  readonly graph: ReadonlyMap<string, readonly string[]>;
  /** `file:line: what is wrong`. */
  readonly violations: readonly string[];
}

/** Examines the files of src, given as path and text. */
export function examine(files: ReadonlyMap<string, string>): Examined {
  const violations: string[] = [];
  const graph = new Map<string, readonly string[]>();
  for (const [file, text] of files) {
    const name = placeOf(file);
    const place = name === undefined ? undefined : places[name];
    if (name === undefined || place === undefined) {
      violations.push(`${file}:1: has no place in the house`);
      continue;
    }
    const source = parseSource(file, text);
    const targets: string[] = [];
    for (const found of importsOf(source)) {
      const { target, problem } = judge(found, file, name, place, files);
      if (target !== undefined) targets.push(target);
      if (problem !== undefined) violations.push(`${file}:${found.line}: ${problem}`);
    }
    violations.push(...takenByItself(source, place));
    graph.set(file, targets);
  }
  violations.push(...cycles(graph).map((cycle) => `${cycle[0]}:1: cycle ${cycle.join(' -> ')}`));
  return { graph, violations };
}

function takenByItself(source: Source, { given }: Place): readonly string[] {
  if (given === undefined) return [];
  return ambientUses(source, { allowTimers: given === 'all-but-timers' }).map(
    ({ line, what }) => `${source.file}:${line}: takes ${what} by itself`,
  );
}

interface Judgement {
  readonly target?: string;
  readonly problem?: string;
}

function judge(
  { specifier, names }: Import,
  file: string,
  name: string,
  place: Place,
  files: ReadonlyMap<string, string>,
): Judgement {
  if (specifier === undefined) return { problem: 'imports what is not a literal' };
  if (/^\.{0,2}\/|^\.{1,2}$/.test(specifier)) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    if (specifier.startsWith('/') || !files.has(target)) {
      return { problem: `imports ${specifier}, which is no file of src` };
    }
    const other = placeOf(target);
    if (other === name) return { target };
    if (other !== undefined && allows(place, other)) return { target };
    return { target, problem: `${name} imports ${other ?? target}` };
  }
  if (specifier.startsWith('node:')) {
    const problem = judgeNode(specifier.slice('node:'.length), names, place);
    return problem === undefined ? {} : { problem: `${name} ${problem}` };
  }
  if (place.packages.includes(packageOf(specifier))) return {};
  return { problem: `${name} imports package ${specifier}` };
}

const allows = ({ imports }: Place, other: string): boolean =>
  imports === 'everything' ? !ends.includes(other) : imports.includes(other);

function judgeNode(module: string, names: readonly string[], place: Place): string | undefined {
  if (loadingModules.includes(module.split('/')[0] ?? '')) return `imports node:${module}`;
  if (place.node === 'deterministic') {
    if (module !== 'crypto') return `imports node:${module}`;
    const drawn = names.filter((name) => !deterministicCrypto.includes(name));
    return drawn.length === 0 ? undefined : `imports ${drawn.join(', ')} of node:crypto`;
  }
  if (place.node === 'local' && networkModules.includes(module)) {
    const onlyParses = module === 'net' && names.every((name) => addressParsers.includes(name));
    if (!onlyParses || names.length === 0) return `imports node:${module}`;
  }
  return undefined;
}

/** `@scope/name` or `name` of a specifier with a path. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** One cycle of every knot of files that import each other, from its first file in the alphabet. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      found.push([...path.slice(start), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of [...graph.keys()].sort()) visit(file);
  return found;
}
