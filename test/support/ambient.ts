/**
 * What a source takes from the world without being given it: clock, randomness, timers, process,
 * network. A binding of our own by such a name counts as well: it would hide the real one.
 */

import {
  lineOf,
  literalText,
  nameOf,
  nodesOf,
  type Source,
  type SyntaxNode,
  walk,
} from './syntax.ts';

export interface AmbientUse {
  readonly line: number;
  readonly what: string;
}

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'];

const ambientNames = new Set([
  ...['process', 'performance', 'globalThis', 'global', 'crypto', 'navigator', 'console', 'Intl'],
  ...['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'BroadcastChannel'],
  ...['eval', 'Function', 'require', 'module', '__dirname', '__filename'],
  ...timers,
]);

/** Methods of deterministic objects that draw randomness: `createECDH().generateKeys()`. */
const drawingMethods = new Set(['generateKeys']);

/** Every use of an ambient name, in the order of the tree. */
export function ambientUses(
  source: Source,
  { allowTimers = false }: { readonly allowTimers?: boolean } = {},
): readonly AmbientUse[] {
  const found: AmbientUse[] = [];
  const add = (node: SyntaxNode, what: string): void => {
    found.push({ line: lineOf(source, node.start), what });
  };

  walk(source.program, (node, parent, key) => {
    if (node.type === 'MetaProperty' && nameOf(node.meta) === 'import') add(node, 'import.meta');
    const name = nameOf(node) ?? (node.type === 'Literal' ? literalText(node) : undefined);
    if (name === undefined) return;
    if (drawingMethods.has(name)) return add(node, name);
    if (nameOf(node) === undefined || !isReference(parent, key)) return;
    if (name === 'Date' && !isGivenDate(parent, key)) return add(node, dateUse(parent));
    if (name === 'Math' && !isGivenMath(parent, key)) return add(node, 'Math.random');
    if (allowTimers && timers.includes(name)) return;
    if (ambientNames.has(name)) add(node, name);
  });
  return found;
}

/** Keys of nodes where an identifier is a name for something else, not a value that is read. */
const otherRoles: ReadonlyMap<string, readonly string[]> = new Map([
  ['MemberExpression', ['property']],
  ['Property', ['key']],
  ['MethodDefinition', ['key']],
  ['PropertyDefinition', ['key']],
  ['ImportSpecifier', ['imported']],
  ['ExportSpecifier', ['exported']],
]);

function isReference(parent: SyntaxNode | undefined, key: string): boolean {
  if (parent === undefined) return false;
  if (otherRoles.get(parent.type)?.includes(key)) return parent.computed === true;
  // Names in types: nothing is read at run time. The casts and `!` do hold expressions.
  return !parent.type.startsWith('TS') || key === 'expression';
}

/** `new Date(value)`, `Date.UTC`, `Date.parse` and `instanceof Date` read no clock. */
function isGivenDate(parent: SyntaxNode | undefined, key: string): boolean {
  if (parent === undefined) return false;
  if (parent.type === 'NewExpression' && key === 'callee') {
    const [first] = nodesOf(parent, 'arguments');
    return first !== undefined && first.type !== 'SpreadElement';
  }
  if (parent.type === 'MemberExpression' && key === 'object' && parent.computed !== true) {
    return ['UTC', 'parse'].includes(nameOf(parent.property) ?? '');
  }
  return parent.type === 'BinaryExpression' && parent.operator === 'instanceof' && key === 'right';
}

const dateUse = (parent: SyntaxNode | undefined): string =>
  parent?.type === 'NewExpression' ? 'new Date()' : 'Date.now';

const isGivenMath = (parent: SyntaxNode | undefined, key: string): boolean =>
  parent?.type === 'MemberExpression' &&
  key === 'object' &&
  parent.computed !== true &&
  nameOf(parent.property) !== 'random';
