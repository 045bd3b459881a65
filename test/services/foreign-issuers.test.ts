/** Who has issued what above our authorities, by the hashes that stations send. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import {
  type CertificateHashData,
  certificateHashData,
} from '../../src/pki/certificate-hash-data.ts';
import { writeName } from '../../src/pki/names.ts';
import { createForeignIssuers } from '../../src/services/foreign-issuers.ts';
import { createParsedCertificates } from '../../src/services/parsed-certificates.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';

const [rootKey, subKey, ownKey] = [generateKey(), generateKey(), generateKey()];
function authority(name: string, key: TestKey, above: string, by: TestKey, ...ocsp: string[]) {
  const extensions = {
    ...authorityExtensions(key, by),
    ...(ocsp.length > 0 ? { authorityInfoAccess: { critical: false, ocsp, caIssuers: [] } } : {}),
  };
  const subject = commonName(name);
  return issue(
    templateFor(key, by, { subject, issuerName: writeName(commonName(above)), extensions }),
    by,
  );
}
const root = authority('Root', rootKey, 'Root', rootKey);
const sub = authority('Sub', subKey, 'Root', rootKey, 'http://root.example/ocsp');
const own = authority(
  'Own 1',
  ownKey,
  'Sub',
  subKey,
  'http://sub.example/1',
  'http://sub.example/2',
);
const next = authority('Own 2', ownKey, 'Sub', subKey, 'http://sub.example/3');
const silent = authority('Own 3', ownKey, 'Sub', subKey);

let chains: Certificate[][];
let reads: number;
let time: number;
let fails: boolean;
let find: ReturnType<typeof createForeignIssuers>;
beforeEach(() => {
  chains = [
    [own, sub, root],
    [next, sub, root],
    [silent, sub, root],
  ];
  [reads, time, fails] = [0, 1_000_000, false];
  find = createForeignIssuers({
    authorities: {
      externalChains: async () => {
        reads++;
        if (fails) throw new Error('no database');
        return chains.map((chain) => chain.map(({ der }) => der));
      },
    },
    parsed: createParsedCertificates(),
    monotonic: () => time,
  });
});

const dataOf = (certificate: Certificate, issuer: Certificate, hash = 'SHA256' as const) =>
  certificateHashData(
    certificate,
    { subjectDer: issuer.subjectDer, publicKeyBits: issuer.publicKey?.bits ?? new Uint8Array() },
    hash,
  );
const found = async (data: CertificateHashData) => {
  const one = await find(data);
  return one && { issuer: one.issuer.subject, responders: one.responders };
};

describe('an issuer above ours', () => {
  test('is found with the responders of the certificate that is meant', async () => {
    expect(await found(dataOf(own, sub))).toEqual({
      issuer: sub.subject,
      responders: ['http://sub.example/1', 'http://sub.example/2'],
    });
    expect(await found(dataOf(next, sub))).toEqual({
      issuer: sub.subject,
      responders: ['http://sub.example/3'],
    });
    expect(await found(dataOf(sub, root))).toEqual({
      issuer: root.subject,
      responders: ['http://root.example/ocsp'],
    });
  });

  test('answers for what it has issued besides, where its other certificates say', async () => {
    const all = ['http://sub.example/1', 'http://sub.example/2', 'http://sub.example/3'];
    expect((await found(dataOf(silent, sub)))?.responders).toEqual(all);
    const unseen = { ...dataOf(own, sub), serialNumber: 'abc' };
    expect((await found(unseen))?.responders).toEqual(all);
  });

  test('is nobody whose name or key is another', async () => {
    const data = dataOf(own, sub);
    const { issuerKeyHash, issuerNameHash } = dataOf(sub, root);
    expect(await find({ ...data, issuerKeyHash })).toBeUndefined();
    expect(await find({ ...data, issuerNameHash })).toBeUndefined();
    expect(await find({ ...data, hashAlgorithm: 'SHA384' })).toBeUndefined();
    // What our own have issued is not for others to answer.
    expect(await find(dataOf(issueBelow(), own))).toBeUndefined();
  });
  const issueBelow = () => authority('Below', generateKey(), 'Own 1', ownKey);
});

describe('the chains', () => {
  test('are read once a second at most, and what is new is found then', async () => {
    chains = [];
    const data = dataOf(own, sub);
    for (let times = 0; times < 5; times++) expect(await find(data)).toBeUndefined();
    chains = [[own, sub, root]];
    time += 999;
    expect(await find(data)).toBeUndefined();
    expect(reads).toBe(1);
    time += 1;
    expect(await find(data)).toBeDefined();
    expect(reads).toBe(2);
  });

  test('that cannot be read are read again by whoever comes next', async () => {
    fails = true;
    await expect(find(dataOf(own, sub))).rejects.toThrow('no database');
    fails = false;
    expect(await find(dataOf(own, sub))).toBeDefined();
  });
});
