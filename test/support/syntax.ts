/** TypeScript sources as syntax trees (ESTree), for the tests that look at how we write. */

import { parseSync } from 'oxc-parser';

/** A node of the tree; what else it has depends on its type. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

export interface Source {
  /** Path relative to the repository, with slashes. */
  readonly file: string;
  readonly text: string;
  readonly program: SyntaxNode;
  /** The text of each comment without its marks, and where it starts. */
  readonly comments: readonly { readonly value: string; readonly start: number }[];
}

/**
 * Parses one source.
 * @throws Error when it is not TypeScript, so that no file is passed over as empty
 */
export function parseSource(file: string, text: string): Source {
  const { program, comments, errors } = parseSync(file, text, { sourceType: 'module' });
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file}: ${error.message}`);
  if (!isNode(program)) throw new Error(`${file}: no program`);
  return { file, text, program, comments };
}

export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
  );
}

/** The line of an offset, from 1. */
export const lineOf = ({ text }: Source, offset: number): number =>
  text.slice(0, offset).split('\n').length;

/** Calls `visit` for every node below `node` and itself, with its parent and its key in there. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | undefined, key: string) => void,
  parent?: SyntaxNode,
  key = '',
): void {
  visit(node, parent, key);
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, node, name);
    }
  }
}

/** The text of a string literal, or of a template without expressions; undefined for all else. */
export function literalText(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type !== 'TemplateLiteral' || !Array.isArray(node.quasis)) return undefined;
  const [only, ...more] = node.quasis as { value: { cooked?: string } }[];
  return more.length === 0 ? only?.value.cooked : undefined;
}

/** The name of an identifier node; undefined for all else. */
export const nameOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'Identifier' && typeof node.name === 'string'
    ? node.name
    : undefined;

/** The children under a key that holds a list. */
export function nodesOf(node: SyntaxNode, key: string): readonly SyntaxNode[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}
