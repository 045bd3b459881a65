/** What a verification can find, as the code, openapi.yaml and docs/audit.md tell it. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadApiDocument } from '../../src/declarations.ts';
import { auditFindingCodes } from '../../src/services/audit-findings.ts';

test('the codes are those of openapi.yaml and of the page', () => {
  const codes = Object.keys(auditFindingCodes);
  const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('## What a verification finds');
  expect([...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, code]) => code)).toEqual(codes);
  // biome-ignore lint/suspicious/noExplicitAny: the document has no type
  const { components } = loadApiDocument() as any;
  expect(components.schemas.AuditFinding.properties.code.enum).toEqual(codes);
});
