/** The tables of docs/interop.md, as the tests read them. */

import { type KeyAlgorithm, keyAlgorithms } from '../../src/pki/public-key.ts';
import { type OtherTool, otherTools } from './other-tools.ts';
import { readRepositoryFile } from './repository.ts';

type ToolName = OtherTool['name'];

export interface Exclusion {
  readonly tool: ToolName;
  /** What the tool says. */
  readonly message: string;
}

/** What the tools make of one profile with one kind of key. */
export interface InteropRow {
  readonly profile: string;
  readonly key: KeyAlgorithm;
  /** Of the tools that do not accept it. */
  readonly exclusions: Partial<Record<ToolName, Exclusion>>;
}

export interface InteropTable {
  readonly versions: Readonly<Record<ToolName, string>>;
  readonly rows: readonly InteropRow[];
}

/** @throws Error when the page is not laid out as it should be */
export function interopTable(): InteropTable {
  const lines = readRepositoryFile('docs/interop.md').split('\n').map(cells);
  const rows = lines.filter((line) => line !== undefined);
  const header = rows.find(([first]) => first === 'profile')?.slice(2) ?? [];
  const columns = otherTools.map(({ name, title }, index) => {
    const [, version] = new RegExp(`^${title} (\\S+)$`).exec(header[index] ?? '') ?? [];
    if (version === undefined) throw new Error(`column ${index + 3} is to be "${title} <version>"`);
    return { name, title, version };
  });

  const exclusions = new Map<string, Exclusion>();
  for (const [id = '', title, message] of rows) {
    const tool = otherTools.find((each) => each.title === title);
    const said = /^`(.+)`$/.exec(message ?? '')?.[1];
    if (tool && said !== undefined) exclusions.set(id, { tool: tool.name, message: said });
  }
  return {
    versions: Object.fromEntries(
      columns.map(({ name, version }) => [name, version]),
    ) as InteropTable['versions'],
    rows: rows.flatMap(([first = '', keys = '', ...verdicts]) => {
      const profile = /^`([a-z0-9.-]+)`$/.exec(first)?.[1];
      if (profile === undefined) return [];
      const excluded = columns.flatMap(({ name }, index) => {
        const found = exclusion(verdicts[index] ?? '', exclusions);
        if (found && found.tool !== name)
          throw new Error(`${profile}: ${verdicts[index]} is another tool's`);
        return found ? [[name, found]] : [];
      });
      return keys.split(', ').map((key) => ({
        profile,
        key: keyAlgorithm(key),
        exclusions: Object.fromEntries(excluded) as InteropRow['exclusions'],
      }));
    }),
  };
}

/** The cells of a line of a table; undefined for any other line. */
function cells(line: string): string[] | undefined {
  if (!line.startsWith('| ') || !line.endsWith(' |')) return undefined;
  return line.slice(2, -2).split(' | ');
}

function exclusion(
  cell: string,
  exclusions: ReadonlyMap<string, Exclusion>,
): Exclusion | undefined {
  if (cell === 'accepted') return undefined;
  const id = /^excluded: (\w+)$/.exec(cell)?.[1];
  const found = id === undefined ? undefined : exclusions.get(id);
  if (!found) throw new Error(`"${cell}" is neither accepted nor an exclusion of the page`);
  return found;
}

function keyAlgorithm(text: string): KeyAlgorithm {
  const key = keyAlgorithms.find((each) => each === text);
  if (!key) throw new Error(`"${text}" is no kind of key`);
  return key;
}
