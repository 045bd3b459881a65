/** Policies in a folder of an operator's own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeclarationsInvalid, loadPolicies } from '../src/declarations.ts';
import { leavePolicies } from './support/policies.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evpki-policies-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('policies', () => {
  test('are those of the package, or of a folder that is named', () => {
    const own = join(folder, 'own');
    leavePolicies(own, {
      'est.yaml': 'labels: { depot: { organization: cpo-1, role: cpo } }\n',
    });
    const shipped = loadPolicies();
    const read = loadPolicies(own);
    expect([...read.est.labels.keys()]).toEqual(['depot']);
    expect([...shipped.est.labels.keys()]).not.toContain('depot');
    expect([...read.profiles.keys()]).toEqual([...shipped.profiles.keys()]);
    expect(read.access).toEqual(shipped.access);
  });

  const errorsOf = (named: string): readonly { source: string; message: string }[] => {
    try {
      loadPolicies(named);
    } catch (error) {
      if (error instanceof DeclarationsInvalid) return error.errors;
      throw error;
    }
    throw new Error('they were read');
  };

  test('in a folder that is not there are an error', () => {
    const named = join(folder, 'nowhere');
    expect(errorsOf(named)).toEqual([
      expect.objectContaining({ source: named, message: 'cannot be read (ENOENT)' }),
    ]);
  });

  test('without roles are an error, named with the others', () => {
    expect(errorsOf(folder)).toEqual([
      expect.objectContaining({
        ...{ source: join(folder, 'access.yaml'), message: 'is missing: nobody has roles' },
      }),
    ]);
    const wrong = join(folder, 'wrong');
    leavePolicies(wrong, { 'est.yaml': 'labels: 5\n', 'access.yaml': 'roles: [\n' });
    const sources = errorsOf(wrong).map(({ source }) => source);
    expect(new Set(sources)).toEqual(
      new Set([join(wrong, 'access.yaml'), join(wrong, 'est.yaml')]),
    );
  });
});
