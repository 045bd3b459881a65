/** Every way in which a source reaches another module: static, type-only, dynamic and by require. */

import {
  isNode,
  lineOf,
  literalText,
  nameOf,
  nodesOf,
  type Source,
  type SyntaxNode,
  walk,
} from './syntax.ts';

export interface Import {
  readonly line: number;
  /** What is imported, as written; undefined when it is not a literal. */
  readonly specifier: string | undefined;
  /** The names taken from the module, `*` for all of it. */
  readonly names: readonly string[];
}

const ALL = ['*'];

/** The imports of a source in the order of the text. */
export function importsOf(source: Source): readonly Import[] {
  const found: Import[] = [];
  const requires = requireNames(source);
  const add = (node: SyntaxNode, from: unknown, names: readonly string[]): void => {
    found.push({ line: lineOf(source, node.start), specifier: literalText(from), names });
  };

  walk(source.program, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        return add(node, node.source, nodesOf(node, 'specifiers').map(importedName));
      case 'ExportNamedDeclaration':
        if (!isNode(node.source)) return;
        return add(node, node.source, nodesOf(node, 'specifiers').map(reexportedName));
      case 'ExportAllDeclaration':
      case 'ImportExpression':
        return add(node, node.source, ALL);
      case 'TSImportType':
        return add(node, node.source, [firstName(node.qualifier) ?? '*']);
      case 'TSExternalModuleReference':
        return add(node, node.expression, ALL);
      case 'CallExpression':
        if (requires.calls(node.callee)) add(node, nodesOf(node, 'arguments')[0], ALL);
        return;
      case 'NewExpression':
        return addFromNew(node, add);
    }
  });

  for (const { value, start } of source.comments) {
    // A triple-slash directive: the parser gives the comment without its first two slashes.
    const [, , specifier] = /^\/\s*<reference\s+(path|types)=["']([^"']+)["']/.exec(value) ?? [];
    if (specifier !== undefined) {
      found.push({ line: lineOf(source, start), specifier, names: ALL });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** `new Worker(file)` and `new URL('./file.ts', import.meta.url)` reach a module as well. */
function addFromNew(
  node: SyntaxNode,
  add: (node: SyntaxNode, from: unknown, names: readonly string[]) => void,
): void {
  const [first, second] = nodesOf(node, 'arguments');
  const constructed = nameOf(node.callee);
  if (constructed === 'URL' && isImportMetaUrl(second)) {
    if (/\.[cm]?[jt]s$/.test(literalText(first) ?? '')) add(node, first, ALL);
  }
  if (constructed === 'Worker') {
    const isUrl = first?.type === 'NewExpression' && nameOf(first.callee) === 'URL';
    if (!isUrl || literalText(nodesOf(first, 'arguments')[0]) === undefined) {
      add(node, undefined, ALL);
    }
  }
}

const isImportMetaUrl = (node: SyntaxNode | undefined): boolean =>
  node?.type === 'MemberExpression' &&
  isNode(node.object) &&
  node.object.type === 'MetaProperty' &&
  nameOf(node.property) === 'url';

function importedName(specifier: SyntaxNode): string {
  if (specifier.type === 'ImportDefaultSpecifier') return 'default';
  if (specifier.type === 'ImportNamespaceSpecifier') return '*';
  return nameOf(specifier.imported) ?? literalText(specifier.imported) ?? '*';
}

const reexportedName = (specifier: SyntaxNode): string =>
  nameOf(specifier.local) ?? literalText(specifier.local) ?? '*';

/** `A` of the qualified type name `A.B.C`. */
function firstName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  return node.type === 'TSQualifiedName' ? firstName(node.left) : nameOf(node);
}

/** Which callees load a module: `require`, what `createRequire` made, `getBuiltinModule`. */
function requireNames(source: Source): { calls(callee: unknown): boolean } {
  const makers = new Set(['createRequire']);
  const loaders = new Set(['require']);
  walk(source.program, (node) => {
    if (node.type === 'ImportSpecifier' && nameOf(node.imported) === 'createRequire') {
      const local = nameOf(node.local);
      if (local !== undefined) makers.add(local);
    }
  });
  const makes = (node: unknown): boolean => {
    if (!isNode(node) || node.type !== 'CallExpression') return false;
    const { callee } = node;
    const name = isNode(callee) && callee.type === 'MemberExpression' ? callee.property : callee;
    return makers.has(nameOf(name) ?? '');
  };
  walk(source.program, (node) => {
    const local = node.type === 'VariableDeclarator' ? nameOf(node.id) : undefined;
    if (local !== undefined && makes(node.init)) loaders.add(local);
  });
  return {
    calls: (callee) => {
      if (!isNode(callee)) return false;
      if (makes(callee) || loaders.has(nameOf(callee) ?? '')) return true;
      if (callee.type !== 'MemberExpression') return false;
      const method = nameOf(callee.property);
      if (method === 'getBuiltinModule') return true;
      return (
        method === 'resolve' && (makes(callee.object) || loaders.has(nameOf(callee.object) ?? ''))
      );
    },
  };
}
