/**
 * Writes src/http/api/types.ts: the bodies of openapi.yaml's `components.schemas` as TypeScript.
 * Run after changing openapi.yaml; a test compares the file with what this would write.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { parse } from 'yaml';

const root = new URL('../', import.meta.url);
const target = new URL('src/http/api/types.ts', root);

/** The text of types.ts for the openapi.yaml there is. */
export async function apiTypes(): Promise<string> {
  const text = readFileSync(new URL('openapi.yaml', root), 'utf8');
  // As plain JSON schema, whose definitions become one exported interface each.
  const json = JSON.stringify(parse(text).components.schemas);
  const $defs = JSON.parse(json.replaceAll('#/components/schemas/', '#/$defs/'));
  const properties = Object.fromEntries(
    Object.keys($defs).map((name) => [name, { $ref: `#/$defs/${name}` }]),
  );
  return compile({ title: 'ApiBodies', type: 'object', properties, $defs }, 'ApiBodies', {
    additionalProperties: false,
    bannerComment:
      '/** The bodies of the REST API. Generated from openapi.yaml by `npm run generate`. */',
    cwd: fileURLToPath(root),
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 100 },
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await apiTypes());
