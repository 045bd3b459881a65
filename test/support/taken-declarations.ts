/**
 * What `leaveDeclarations` has left, for processes that live too short to read what was written by
 * hand, or even to load what reads it.
 */

import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import type { Declarations } from './declarations.ts';

export const takeDeclarations = (file: string): Declarations =>
  deserialize(readFileSync(file)) as Declarations;
