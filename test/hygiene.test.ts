/** Habits that reviews would otherwise have to watch: each rule, on planted text and on the tree. */

import { describe, expect, test } from 'vitest';
import { filesBelow, readRepositoryFile } from './support/repository.ts';
import { nameOf, nodesOf, parseSource, type SyntaxNode, walk } from './support/syntax.ts';

const MAX_LINES = 500;

interface Rule {
  readonly name: string;
  /** The files it is about. */
  readonly files: readonly string[];
  /** What is wrong with a file; empty when it is in order. */
  readonly problems: (file: string, text: string) => readonly string[];
  readonly planted: readonly (readonly [text: string, file?: string])[];
  readonly fine: readonly (readonly [text: string, file?: string])[];
}

const tree = filesBelow();
const typescript = tree.filter((file) => file.endsWith('.ts'));
const source = typescript.filter((file) => file.startsWith('src/'));
/** Written by `npm run generate`: as long as openapi.yaml makes it. */
const generated = ['src/http/api/types.ts', 'src/http/opcp/types.ts'];
const textFiles = tree.filter((file) => !/\.(exi|der|cer|crt|p12|png|gif|ico)$/.test(file));

/** The problems that `judge` finds at single nodes. */
const atNodes =
  (judge: (node: SyntaxNode, parent: SyntaxNode | undefined) => string | undefined) =>
  (file: string, text: string): readonly string[] => {
    const problems: string[] = [];
    walk(parseSource(file, text).program, (node, parent) => {
      const problem = judge(node, parent);
      if (problem !== undefined) problems.push(problem);
    });
    return problems;
  };

const matches =
  (...patterns: readonly RegExp[]) =>
  (_file: string, text: string): readonly string[] =>
    patterns.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);

const testFunctions = ['test', 'it', 'describe', 'suite', 'bench'];
const setAside = ['skip', 'only', 'todo', 'fails'];
const setAsideFunctions = ['xtest', 'xit', 'xdescribe', 'fit', 'ftest', 'fdescribe'];

/** The first name of `a.b(c).d`. */
function rootOf(node: unknown): string | undefined {
  const { object, callee, tag } = (node ?? {}) as Record<string, unknown>;
  const inner = object ?? callee ?? tag;
  return inner === undefined ? nameOf(node) : rootOf(inner);
}

function setAsideAt(node: SyntaxNode): string | undefined {
  if (node.type === 'MemberExpression') {
    const property = nameOf(node.property) ?? (node.property as SyntaxNode).value;
    const root = rootOf(node.object) ?? '';
    // Also the context that a test is given: `({ skip }) =>` and `context.skip()`.
    const ofTests = testFunctions.includes(root) || ['context', 'ctx', 'task'].includes(root);
    return ofTests && setAside.includes(String(property)) ? `${root}.${property}` : undefined;
  }
  if (node.type !== 'CallExpression') return undefined;
  const called = rootOf(node.callee) ?? '';
  if (setAsideFunctions.includes(called)) return called;
  if (!testFunctions.includes(called)) return undefined;
  const names = nodesOf(node, 'arguments').flatMap((argument) =>
    // Options of the test, and what a test takes from its context.
    [argument, ...nodesOf(argument, 'params')].flatMap((part) =>
      nodesOf(part, 'properties').map((property) => nameOf(property.key) ?? ''),
    ),
  );
  return names.find((name) => setAside.includes(name));
}

const rules: readonly Rule[] = [
  {
    name: 'no test is skipped, focused, to do or expected to fail',
    files: typescript.filter((file) => file.startsWith('test/')),
    problems: atNodes(setAsideAt),
    planted: [
      ["test.skip('x', () => {});"],
      ["test.only('x', () => {});"],
      ["test.todo('x');"],
      ["test.fails('x', () => {});"],
      ["it['skip']('x', () => {});"],
      ["describe.skip.each([1])('x', () => {});"],
      ["describe.each([1]).only('x', () => {});"],
      ["test('x', { skip: true }, () => {});"],
      ["test('x', ({ skip }) => skip());"],
      ["test('x', (context) => context.skip());"],
      ["xit('x', () => {});"],
      ["fdescribe('x', () => {});"],
    ],
    fine: [
      ["test('skips what only() it does not know', () => {});"],
      ["test.skipIf(!available)('x', () => {});"],
      ["test.each([{ only: 1 }])('x', () => { reader.skip(); });"],
    ],
  },
  {
    name: 'no path of one machine',
    files: textFiles,
    problems: matches(
      /(?<![\w.$}~-])\/(?:home|Users|root|work|workspace|builds)\/(?!\.?\.\/)[\w.-]+/,
      /\b[A-Z]:\\{1,2}Users\\/,
    ),
    planted: [
      [['', 'home', 'ada', 'evpki'].join('/')],
      [`see ${['', 'root', '.npmrc'].join('/')}`],
      [`"${['', 'work', 'x.ts'].join('/')}"`],
      [['C:', 'Users', 'ada'].join('\\')],
    ],
    fine: [['paths such as /v1/work/x, ~/home/x, src/root/x, $HOME/root/x and /etc/evpki/x']],
  },
  {
    name: 'no secret that evpki has given to somebody',
    files: textFiles,
    problems: matches(/evpki_(?:sec|tok|boot)_(?!EXAMPLE_ONLY_)[\w-]{40}/),
    planted: [[`evpki_boot_${'x'.repeat(43)}`], [`{"secret": "evpki_sec_${'x'.repeat(43)}"}`]],
    fine: [['evpki_sec_EXAMPLE_ONLY_0123456789abcdefghijklmnopqrst and evpki_tok_short']],
  },
  {
    name: 'no host of a package registry',
    files: textFiles,
    problems: matches(
      /\b(?:registry|npm|proxy)\.[a-z0-9-]+\.(?:org|com|dev|io|net|cloud)\b(?!\/package)/i,
      /\b[\w.-]*(?:artifactory|verdaccio|jfrog)[\w-]*\.[a-z]+/i,
      /"resolved":\s*"(?!file:|node_modules)[^"]*"/,
    ),
    planted: [
      [['https://registry', 'npmjs', 'org/x'].join('.')],
      [['npm', 'pkg', 'github', 'com'].join('.').replace('pkg.', '')],
      [['artifactory', 'example', 'com'].join('.')],
      [`"${'resolved'}": "https://example.com/x.tgz"`],
    ],
    fine: [['"integrity": "sha512-x", docs at https://docs.npmjs.com/cli, urn:registry.x']],
  },
  {
    name: `no file of src that people write has more than ${MAX_LINES} lines`,
    files: source.filter((file) => !generated.includes(file)),
    problems: (_file, text) => {
      const lines = text.replace(/\n$/, '').split('\n').length;
      return lines > MAX_LINES ? [`${lines} lines`] : [];
    },
    planted: [['\n'.repeat(MAX_LINES + 1)]],
    fine: [['x\n'.repeat(MAX_LINES)]],
  },
  {
    name: 'files and folders of src are named in kebab-case',
    files: tree.filter((file) => file.startsWith('src/')),
    problems: (file) =>
      file.split('/').filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?(\.[a-z]+)?$/.test(name)),
    planted: [
      ['', 'src/pki/weakKeys.ts'],
      ['', 'src/pki/weak_keys.ts'],
      ['', 'src/PKI/keys.ts'],
      ['', 'src/pki/-keys.ts'],
      ['', 'src/pki/keys.test.ts'],
    ],
    fine: [
      ['', 'src/storage/migrations/001-foundation.ts'],
      ['', 'src/iso15118/exi.ts'],
      ['', 'src/webcrypto.d.ts'],
    ],
  },
  {
    name: 'no default exports',
    // Vitest asks for one.
    files: typescript.filter((file) => file !== 'vitest.config.ts'),
    problems: atNodes((node) => {
      if (node.type === 'ExportDefaultDeclaration') return 'export default';
      const exported = node.type === 'ExportSpecifier' ? node.exported : undefined;
      return nameOf(exported) === 'default' ? 'as default' : undefined;
    }),
    planted: [
      ['export default 1;'],
      ['export default function x() {}'],
      ['const x = 1; export { x as default };'],
      ["export { default } from './x.ts';"],
    ],
    fine: [["export { default as x } from './x.ts'; export const y = { default: 1 };"]],
  },
  {
    name: 'no console',
    files: source,
    problems: atNodes((node, parent) =>
      nameOf(node) === 'console' && parent?.type === 'MemberExpression' && parent.object === node
        ? 'console'
        : undefined,
    ),
    planted: [["console.log('x');"], ["console['error']('x');"], ['const log = console.log;']],
    fine: [["const x = { console: 1 }; x.console; import('./console/x.ts');"]],
  },
];

describe.each(rules)('$name', ({ files, problems, planted, fine }) => {
  test('on the tree', () => {
    expect(files.length).toBeGreaterThan(0);
    const found = files.flatMap((file) =>
      problems(file, readRepositoryFile(file)).map((problem) => `${file}: ${problem}`),
    );
    expect(found).toEqual([]);
  });

  test.each(planted)('reports %j %s', (text, file) => {
    expect(problems(file ?? 'planted.ts', text ?? '')).not.toEqual([]);
  });

  test.each(fine)('lets pass %j %s', (text, file) => {
    expect(problems(file ?? 'planted.ts', text ?? '')).toEqual([]);
  });
});

test('the tree is seen from its root, without what git ignores', () => {
  expect(tree).toContain('package-lock.json');
  expect(tree).toContain('.gitignore');
  expect(tree).toContain('src/pki/der.ts');
  expect(tree.filter((file) => /^(node_modules|dist|\.git)\//.test(file))).toEqual([]);
});
