/** Writes test/vectors/paths from the cases in test/support; a test compares both. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { pathVectors } from '../test/support/path-cases.ts';

const folder = new URL('../test/vectors/paths/', import.meta.url);

mkdirSync(folder, { recursive: true });
for (const [category, vectors] of pathVectors()) {
  writeFileSync(new URL(`${category}.json`, folder), `${JSON.stringify(vectors, undefined, 2)}\n`);
}
