import { describe, expect, test } from 'vitest';
import { tags } from '../../../src/pki/der-element.ts';
import {
  explicit,
  generalizedTime,
  implicit,
  integer,
  nullValue,
  octetString,
  sequence,
} from '../../../src/pki/der-writer.ts';
import {
  buildOcspResponseData,
  type OcspAnswers,
  type SingleAnswer,
} from '../../../src/pki/ocsp/build-response.ts';
import { lintOcspResponseData } from '../../../src/pki/ocsp/lint.ts';
import type { OcspLintContext } from '../../../src/pki/ocsp/lint-context.ts';
import { ocsp } from '../../../src/pki/oids.ts';
import { writeRawExtension } from '../../../src/pki/raw-extensions.ts';
import { certIdOf, mutated, randomNumbers } from '../../support/ocsp.ts';

const now = new Date('2026-03-01T12:00:00.700Z');
const second = new Date('2026-03-01T12:00:00Z');
const earlier = new Date('2026-03-01T11:00:00Z');
const later = new Date('2026-03-09T12:00:00Z');
const responderKeyHash = new Uint8Array(20).fill(1);
const certIds = [certIdOf(1), certIdOf(2, 'sha256')];
const nonce = new Uint8Array(16).fill(3);

const answers = (changes: Partial<SingleAnswer> = {}): readonly SingleAnswer[] =>
  certIds.map((certIdDer) => ({
    certIdDer,
    status: { kind: 'good' },
    thisUpdate: earlier,
    nextUpdate: later,
    ...changes,
  }));
const context: OcspLintContext = { now, certIds, responderKeyHash };
const build = (changes: Partial<OcspAnswers> = {}): Uint8Array =>
  buildOcspResponseData({ responderKeyHash, producedAt: second, responses: answers(), ...changes });
const findings = (tbs: Uint8Array, changes: Partial<OcspLintContext> = {}): string[] =>
  lintOcspResponseData(tbs, { ...context, ...changes }).map(({ rule }) => rule);

describe('nothing to say about', () => {
  test.each<[string, Uint8Array, Partial<OcspLintContext>]>([
    ['good answers', build(), {}],
    ['a status of this very second', build({ responses: answers({ thisUpdate: second }) }), {}],
    ['a nonce repeated', build({ nonce }), { nonce }],
    [
      'a revocation and an archive cutoff',
      build({
        responses: answers({
          status: { kind: 'revoked', at: earlier, reason: 'superseded' },
          archiveCutoff: earlier,
        }),
      }),
      {},
    ],
    [
      'RFC6960-2.2-4: never issued, and saying so',
      build({
        responses: answers({
          status: { kind: 'revoked', at: new Date(0), reason: 'certificateHold' },
        }),
        extendedRevoke: true,
      }),
      {},
    ],
  ])('%s', (_, tbs, changes) => {
    expect(findings(tbs, changes)).toEqual([]);
  });
});

describe('found', () => {
  const [first, other] = certIds as [Uint8Array, Uint8Array];
  test.each<[string, string, Uint8Array, Partial<OcspLintContext>]>([
    [
      'ocsp-answers',
      'RFC6960-4.2.2.3-3: an answer missing',
      build({ responses: answers().slice(1) }),
      {},
    ],
    ['ocsp-answers', 'the last one missing', build({ responses: answers().slice(0, 1) }), {}],
    ['ocsp-answers', 'one too many', build(), { certIds: [first] }],
    ['ocsp-answers', 'another order', build(), { certIds: [other, first] }],
    ['ocsp-answers', 'another CertID', build(), { certIds: [first, certIdOf(2, 'sha512')] }],
    [
      'ocsp-responder-id',
      'RFC6960-4.2.2.3-2: another key',
      build(),
      { responderKeyHash: new Uint8Array(20) },
    ],
    ['ocsp-nonce', 'O4: no nonce', build(), { nonce }],
    ['ocsp-nonce', 'O4: a nonce that nobody sent', build({ nonce }), {}],
    ['ocsp-nonce', 'O4: another nonce', build({ nonce }), { nonce: new Uint8Array(16) }],
    [
      'ocsp-produced-at',
      'O6: producedAt in the future',
      build({ producedAt: new Date('2026-03-01T12:00:01Z') }),
      {},
    ],
    [
      'ocsp-this-update',
      'O6: thisUpdate after producedAt',
      build({ producedAt: earlier, responses: answers({ thisUpdate: second }) }),
      {},
    ],
    [
      'ocsp-next-update',
      'RFC5019-4-8: nextUpdate passed',
      build({ responses: answers({ nextUpdate: second }) }),
      {},
    ],
    [
      'ocsp-next-update',
      'nextUpdate is thisUpdate',
      build({ responses: answers({ nextUpdate: earlier }) }),
      {},
    ],
    [
      'ocsp-reason',
      'removeFromCRL',
      build({
        responses: answers({ status: { kind: 'revoked', at: earlier, reason: 'removeFromCRL' } }),
      }),
      {},
    ],
    [
      'ocsp-extended-revoke',
      'RFC6960-4.4.8-1: never issued without saying so',
      build({
        responses: answers({
          status: { kind: 'revoked', at: new Date(0), reason: 'certificateHold' },
        }),
      }),
      {},
    ],
  ])('%s: %s', (rule, _, tbs, changes) => {
    expect(findings(tbs, changes)).toEqual([rule]);
  });

  test('times in the future that are in the wrong order, too', () => {
    const tbs = build({ responses: answers({ thisUpdate: later }) });
    expect(findings(tbs)).toEqual(['ocsp-this-update', 'ocsp-next-update']);
  });

  test('a finding names its clause and says what is wrong', () => {
    expect(lintOcspResponseData(build(), { ...context, nonce })).toEqual([
      {
        rule: 'ocsp-nonce',
        clause: 'RFC 9654 2.1',
        severity: 'error',
        message: 'The nonce is not that of the request.',
      },
    ]);
  });

  test('everything at once', () => {
    const tbs = build({ nonce, producedAt: later, responses: answers({ nextUpdate: earlier }) });
    expect(findings(tbs, { certIds: [], responderKeyHash: new Uint8Array(20) })).toEqual([
      'ocsp-answers',
      'ocsp-responder-id',
      'ocsp-nonce',
      'ocsp-produced-at',
      'ocsp-next-update',
    ]);
  });
});

describe('found in bytes that our builder does not make', () => {
  const good = implicit(0, new Uint8Array(0));
  const next = explicit(0, generalizedTime(later));
  const data = (single: Uint8Array[], ...rest: Uint8Array[]): Uint8Array =>
    sequence(
      explicit(2, octetString(responderKeyHash)),
      generalizedTime(second),
      sequence(sequence(certIds[0] ?? good, ...single)),
      ...rest,
    );
  const one = { certIds: certIds.slice(0, 1) };
  const time = generalizedTime(earlier);
  const field = (oid: string, critical: boolean) =>
    explicit(1, sequence(writeRawExtension(oid, critical, nullValue())));

  test.each<[string, string, Uint8Array]>([
    ['ocsp-next-update', 'RFC5019-2.2.4-2, RFC5019-4-6: no nextUpdate', data([good, time])],
    [
      'ocsp-reason',
      'unspecified written out',
      data([explicit(1, time, explicit(0, integer(0, tags.enumerated))), time, next]),
    ],
    [
      'ocsp-extensions',
      'RFC6960-4.4.8-4: extendedRevoke critical',
      data([good, time, next], field(ocsp.extendedRevoke, true)),
    ],
    [
      'ocsp-extensions',
      'RFC6960-4.4.8-2: extendedRevoke in a single response',
      data([good, time, next, field(ocsp.extendedRevoke, false)]),
    ],
    ['strict-der', 'BER', Buffer.concat([data([good, time, next]), new Uint8Array(1)])],
  ])('%s: %s', (rule, _, tbs) => {
    expect(findings(tbs, one)).toEqual([rule]);
  });

  test('a responder named by name is not named by the key that signs', () => {
    const tbs = sequence(explicit(1, sequence()), generalizedTime(second), sequence());
    expect(findings(tbs, { certIds: [] })).toEqual(['ocsp-responder-id']);
  });

  test('mutated bytes never make it throw', () => {
    const random = randomNumbers(3);
    const tbs = build({ nonce, extendedRevoke: true });
    for (let i = 0; i < 5_000; i++) findings(mutated(tbs, random), { nonce });
  });
});
