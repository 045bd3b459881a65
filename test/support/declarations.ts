/** What `policies/` and `ca/demo.yaml` declare, read once: reading takes half a second. */

import { writeFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import { loadHierarchy, loadPolicies, type Policies } from '../../src/declarations.ts';
import type { Hierarchy } from '../../src/services/hierarchies.ts';

export interface Declarations extends Policies {
  readonly hierarchy: Hierarchy;
}

let declared: Declarations | undefined;

export function demoDeclarations(): Declarations {
  if (declared === undefined) {
    const policies = loadPolicies();
    declared = { ...policies, hierarchy: loadHierarchy('ca/demo.yaml', policies.profiles) };
  }
  return declared;
}

/** Leaves them in a file for other processes: see taken-declarations.ts. */
export const leaveDeclarations = (file: string): void =>
  writeFileSync(file, serialize(demoDeclarations()));
