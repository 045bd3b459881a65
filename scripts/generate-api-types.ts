/**
 * Writes src/http/api/types.ts, src/http/opcp/types.ts and src/http/opnc/types.ts: the bodies of
 * openapi.yaml's `components.schemas` as TypeScript, those of OPCP and OPNC apart from the others.
 * Run after changing openapi.yaml; a test compares the files with what this would write.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { parse } from 'yaml';

const root = new URL('../', import.meta.url);
const titles = { api: 'the REST API', opcp: 'OPCP', opnc: 'OPNC' } as const;
type Door = keyof typeof titles;
export const targets = {
  api: 'src/http/api/types.ts',
  opcp: 'src/http/opcp/types.ts',
  opnc: 'src/http/opnc/types.ts',
} as const satisfies Record<Door, string>;

/** By what the names of schemas begin with. */
const doorOf = (schema: string): Door =>
  schema.startsWith('Opcp') ? 'opcp' : schema.startsWith('Opnc') ? 'opnc' : 'api';

/** The text of a types.ts for the openapi.yaml there is. */
export async function apiTypes(door: Door): Promise<string> {
  const text = readFileSync(new URL('openapi.yaml', root), 'utf8');
  // As plain JSON schema, whose definitions become one exported interface each.
  const json = JSON.stringify(parse(text).components.schemas);
  const all = JSON.parse(json.replaceAll('#/components/schemas/', '#/$defs/'));
  const $defs = Object.fromEntries(Object.entries(all).filter(([name]) => doorOf(name) === door));
  const properties = Object.fromEntries(
    Object.keys($defs).map((name) => [name, { $ref: `#/$defs/${name}` }]),
  );
  return compile({ title: 'ApiBodies', type: 'object', properties, $defs }, 'ApiBodies', {
    additionalProperties: false,
    bannerComment: `/** The bodies of ${titles[door]}. Generated from openapi.yaml by \`npm run generate\`. */`,
    cwd: fileURLToPath(root),
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 100 },
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const door of ['api', 'opcp', 'opnc'] as const) {
    writeFileSync(new URL(targets[door], root), await apiTypes(door));
  }
}
