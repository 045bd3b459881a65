/** What a chain is judged by, of stores that hold nothing but what a test has put there. */

import { expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { serialHex } from '../../src/pki/certificate.ts';
import { writeName } from '../../src/pki/names.ts';
import { createParsedCertificates } from '../../src/services/parsed-certificates.ts';
import type { PathFactParts } from '../../src/services/path-facts.ts';
import type { KnownIssuer } from '../../src/services/trust-anchor-records.ts';
import { validateChain } from '../../src/services/validation.ts';
import { demoDeclarations } from '../support/declarations.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { nameOf } from '../support/policy.ts';

const { profiles } = demoDeclarations();
const at = new Date('2026-06-01T00:00:00Z');

interface Party {
  readonly name: string;
  readonly key: TestKey;
}
const party = (name: string): Party => ({ name, key: generateKey() });
const certify = (subject: Party, issuer: Party, isAuthority = true): Certificate =>
  issue(
    templateFor(subject.key, issuer.key, {
      ...{
        subject: nameOf(`CN=${subject.name}`),
        issuerName: writeName(nameOf(`CN=${issuer.name}`)),
      },
      extensions: isAuthority
        ? authorityExtensions(subject.key, issuer.key)
        : leafExtensions(subject.key, issuer.key),
    }),
    issuer.key,
  );

/** An issuer of ours, which has signed these and answers for them so. */
const issuer = (
  id: string,
  certificate: Certificate,
  states: readonly (readonly [Certificate, 'issued' | 'revoked'])[],
  more: Partial<KnownIssuer> = {},
): KnownIssuer => ({
  ...{ id, organizationId: 'mo', profile: 'iso15118-2-mo-root', state: 'active' },
  certificate: certificate.der,
  statuses: new Map(states.map(([each, state]) => [serialHex(each), state])),
  signed: new Map(),
  ...more,
});

test('an authority of ours above one that was certified elsewhere ends its paths', async () => {
  const [ours, abroad, own, car] = ['Ours', 'Abroad', 'Own', 'Car'].map(party) as [
    Party,
    Party,
    Party,
    Party,
  ];
  const root = certify(ours, ours);
  const above = certify(abroad, ours);
  const authority = certify(own, abroad);
  const leaf = certify(car, own, false);
  for (const [state, verdict] of [
    ['issued', { ok: true, path: [leaf, authority, above, root] }],
    ['revoked', { ok: false, failure: 'revoked' }],
  ] as const) {
    const issuers = [
      issuer('own', authority, [[leaf, 'issued']]),
      issuer(
        'ours',
        root,
        [
          [root, 'issued'],
          [above, state],
        ],
        { signedById: 'ours' },
      ),
    ];
    const names = new Map([
      ['own', authority.subjectDer],
      ['ours', root.subjectDer],
    ]);
    const parts: PathFactParts = {
      anchors: { anchorsNamed: async () => [] },
      paths: {
        issuersNamed: async (asked) =>
          issuers.filter(({ id }) =>
            asked.some((name) => Buffer.from(name).equals(names.get(id) ?? Buffer.alloc(0))),
          ),
      },
      authorities: { externalChain: async (id) => (id === 'own' ? [above.der] : []) },
      profiles,
      parsed: createParsedCertificates(),
    };
    const question = {
      ...{ certificate: leaf, candidates: [], at },
      purpose: 'contract-validation',
      organizationId: 'mo',
    } as const;
    const answer = await validateChain(parts, question);
    expect(answer).toMatchObject({ ok: verdict.ok });
    if (answer.ok && verdict.ok) {
      expect(answer.path.map(({ der }) => der)).toEqual(verdict.path.map(({ der }) => der));
      expect(answer.statusUnknown).toHaveLength(1);
    } else expect(answer).toMatchObject(verdict);
  }
});
