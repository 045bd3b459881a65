/**
 * The grammars against their listing: `iso2-grammar.txt` and `iso20-grammar.txt` were compared, state
 * by state, with what an independent EXI implementation makes of the schemas. A change of a listing
 * is a change of what is on the wire.
 */

import { describe, expect, test } from 'vitest';
import { iso2Document } from '../../../src/iso15118/exi/iso2-grammar.ts';
import { iso20Document } from '../../../src/iso15118/exi/iso20-grammar.ts';
import { listing } from '../../support/grammar-listing.ts';
import { readRepositoryFile } from '../../support/repository.ts';

describe.each([
  ['iso2', iso2Document, 81, 7],
  ['iso20', iso20Document, 55, 6],
] as const)('%s', (name, document, elements, bits) => {
  test('the states, their productions and codes are those of the listing', () => {
    const file = `test/iso15118/exi/${name}-grammar.txt`;
    expect(`${listing(document)}\n`).toBe(readRepositoryFile(file));
  });

  test(`a document is one of ${elements} elements, told by ${bits} bits`, () => {
    expect(document.productions).toHaveLength(elements);
    expect(document.width).toBe(bits);
  });
});

test('elements have the codes of the schema in a document', () => {
  const codes = (document: typeof iso2Document): [number, string][] =>
    document.productions.flatMap((production, code) =>
      production.event === 'SE' ? [[code, production.name] as [number, string]] : [],
    );
  expect(codes(iso2Document)).toEqual([[76, 'V2G_Message']]);
  expect(codes(iso20Document)).toEqual([
    [7, 'CertificateInstallationReq'],
    [8, 'CertificateInstallationRes'],
  ]);
});
