import { describe, expect, test } from 'vitest';
import { withPool } from '../../../src/http/opnc/paths.ts';
import { operations } from '../../support/role-matrix.ts';

describe('P12 paths of OPNC', () => {
  const pooled = operations.filter(({ path }) => /^\/opnc\/v1\/(rcp|pcp|ccp|cps)\//.test(path));

  test('are those of openapi.yaml', () => {
    expect(pooled.length).toBeGreaterThan(15);
  });

  test.each(pooled)('$method $path is known without its pool, too', ({ path }) => {
    const short = path.replace(/^(\/opnc\/v1)\/\w+/, '$1');
    expect(withPool(short)).toBe(path);
    expect(withPool(`${short}?a=b/c`)).toBe(`${path}?a=b/c`);
    expect(withPool(path)).toBe(path);
  });

  test.each([
    '/',
    '',
    '/v1/certificates',
    '/opnc/v1/',
    '/opnc/v1/pki/pki/revokeCertificate',
    '/opnc/v1/rootcertificatesx',
    '/opnc/v1/rootCertificates',
    '/opnc/v1/contractData',
    '/opnc/v1/contractData/other',
    '/opnc/v1/%72ootcertificates',
    '/opnc/v1/constructor',
    '/x/opnc/v1/rootcertificates',
    '//opnc/v1/rootcertificates',
  ])('%s stays as it is', (target) => {
    expect(withPool(target)).toBe(target);
  });
});
