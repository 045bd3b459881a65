/**
 * What is made with every request has the hidden class of what was made before it; where it gets one
 * of its own, it is slow to make, slow to read and stays until the longest garbage collection
 * (docs/adr/0023-cost-of-an-installation.md).
 */

import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import { decodeIso2 } from '../../src/iso15118/exi/iso2.ts';
import { readIso2Installation } from '../../src/iso15118/installation/iso2-request.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { leafNode } from '../../src/pki/path/node.ts';
import { certificateOf } from '../support/vector-messages.ts';
import { fromHex, readVector } from '../support/vectors.ts';

setFlagsFromString('--allow-natives-syntax');
const haveSameMap = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (
  a: unknown,
  b: unknown,
) => boolean;
setFlagsFromString('--no-allow-natives-syntax');

/** Paths to the objects in a value whose hidden class is not that of the same in another value. */
function others(a: unknown, b: unknown, path = ''): string[] {
  if (typeof a !== 'object' || a === null || ArrayBuffer.isView(a)) return [];
  const inside = Object.entries(a).flatMap(([key, value]) =>
    others(value, (b as Record<string, unknown>)[key], `${path}/${key}`),
  );
  return haveSameMap(a, b) ? inside : [path, ...inside];
}

const vector = readVector('iso2-install-2subs');
const exi = fromHex(vector.request.exiHex);
const { der } = certificateOf(vector, 'oemProv');
const rules = { at: new Date('2026-06-01T00:00:00Z') };

const made: Readonly<Record<string, () => unknown>> = {
  'a decoded message': () => decodeIso2(exi),
  'a request that was read': () => readIso2Installation(exi),
  'a certificate': () => readCertificate(der),
  'a certificate of a path': () => leafNode(readCertificate(der), false, rules),
};

// The first, as names that have been read once are remembered.
test('they have one shape where V8 has no more room for what may follow `{}`', () => {
  // It remembers 1,536 names; whatever makes objects of names that clients choose can fill them.
  const filling = Array.from({ length: 2_000 }, (_, n) => Object.assign({}, { [`name${n}`]: n }));
  const inRoom = () => Object.assign({}, { aNameOfItsOwn: true });
  expect(others(inRoom(), inRoom())).toEqual(['']);
  const found = Object.entries(made).map(([name, make]) => {
    for (let i = 0; i < 50; i++) make();
    return [name, others(make(), make())];
  });
  expect(found).toEqual(Object.keys(made).map((name) => [name, []]));
  expect(filling).toHaveLength(2_000);
});

test.each(Object.entries(made))('%s has the shape of the one before', (_, make) => {
  // The first ones find out what shape they have.
  for (let i = 0; i < 50; i++) make();
  expect(others(make(), make())).toEqual([]);
});

test('a shape of its own is told', () => {
  expect(others({ a: { x: 1 } }, { a: { y: 1 } })).toEqual(['/a']);
});
