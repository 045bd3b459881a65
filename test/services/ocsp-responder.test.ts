/** The responder by itself: what it answers, and what it does not answer when things go wrong. */

import { beforeEach, describe, expect, test } from 'vitest';
import { sequence } from '../../src/pki/der-writer.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import { ocspHashes } from '../../src/pki/ocsp/hashes.ts';
import { nonceExtension, requestFor } from '../support/ocsp.ts';
import {
  certIdOf,
  DAY,
  madeUpResponder,
  revoked,
  SECOND,
  start,
  type TestResponder,
} from '../support/responder.ts';

const nonce = (octets = 16) => new Uint8Array(octets).fill(7);
const foreign = (serial = '11aa') =>
  writeCertId({
    hashAlgorithm: 'sha1',
    issuerNameHash: new Uint8Array(20).fill(1),
    issuerKeyHash: new Uint8Array(20).fill(2),
    serialNumber: Buffer.from(serial, 'hex'),
  });

let ocsp: TestResponder;
beforeEach(() => {
  ocsp = madeUpResponder();
});

describe('what is answered (RFC 6960 2.2, 4.2.2.3)', () => {
  test.each(ocspHashes)(
    'RFC 6960 4.1.1 a certificate is found by %s hashes of its issuer',
    async (hash) => {
      const certIds = [certIdOf('11aa', hash)];
      const answer = await ocsp.ask({ certIds });
      expect(answer.statuses).toEqual(['good']);
      expect(answer.responses[0]?.certId.certIdDer).toEqual(certIds[0]);
    },
  );

  test('RFC 6960 2.2 revoked and held are revoked, with time in whole seconds and reason', async () => {
    ocsp.statuses.set('first', '11aa', revoked());
    ocsp.statuses.set('first', '11bb', {
      state: 'held',
      reason: 'certificateHold',
      revokedAt: new Date('2026-11-22T09:00:00.999Z'),
    });
    const { responses } = await ocsp.ask({ certIds: [certIdOf('11aa'), certIdOf('11bb')] });
    expect(responses.map(({ status }) => status)).toEqual([
      { kind: 'revoked', at: new Date('2026-11-22T10:00:00Z'), reason: 'superseded' },
      { kind: 'revoked', at: new Date('2026-11-22T09:00:00Z'), reason: 'certificateHold' },
    ]);
  });

  test('O2 RFC 6960 2.2 a serial number that was never issued is unknown, never good', async () => {
    expect((await ocsp.ask({ certIds: [certIdOf('11cc')] })).statuses).toEqual(['unknown']);
  });

  test('RFC 6960 4.2.2.3, RFC 5019 2.2.1 there is one answer for each question, in order, repeated ones too', async () => {
    ocsp.statuses.set('first', '11bb', revoked());
    const certIds = [
      ...[certIdOf('11aa'), certIdOf('11bb'), certIdOf('11aa'), certIdOf('11cc')],
      ...[certIdOf('11aa', 'sha512'), certIdOf('11aa')],
    ];
    const { statuses, responses } = await ocsp.ask({ certIds });
    expect(statuses).toEqual(['good', 'revoked', 'good', 'unknown', 'good', 'good']);
    expect(responses.map(({ certId }) => certId.certIdDer)).toEqual(certIds);
  });

  test('RFC 6960 4.2.2.2 its signer speaks for its own issuer only: others are unknown', async () => {
    ocsp.statuses.issue('second', '22aa');
    const certIds = [certIdOf('11aa'), certIdOf('22aa', 'sha1', 'second'), foreign()];
    expect((await ocsp.ask({ certIds })).statuses).toEqual(['good', 'unknown', 'unknown']);
    // The same serial number under another issuer is another certificate.
    const same = [certIdOf('11aa'), certIdOf('11aa', 'sha1', 'second')];
    expect((await ocsp.ask({ certIds: same })).statuses).toEqual(['good', 'unknown']);
  });

  test('O2 a foreign CertID first does not keep ours from being answered', async () => {
    const { statuses } = await ocsp.ask({ certIds: [foreign(), certIdOf('11aa')] });
    expect(statuses).toEqual(['unknown', 'good']);
  });

  test('RFC 6960 2.3, RFC 5019 2.2.3 O2 only foreign CertIDs are unauthorized, and nothing is signed', async () => {
    expect((await ocsp.ask({ certIds: [foreign()] })).kind).toBe('unauthorized');
    expect((await ocsp.ask({ certIds: [foreign(), foreign('12')] })).kind).toBe('unauthorized');
    expect(ocsp.counts.signatures).toBe(0);
  });

  test('RFC 6960 2.3 O1 what is no request is malformed, and nothing is signed', async () => {
    for (const der of [new Uint8Array(), new Uint8Array([0x30, 0x00]), sequence()]) {
      const reply = await ocsp.responder.answer(der);
      expect(reply).toMatchObject({ kind: 'error', status: 'malformedRequest' });
    }
    expect(ocsp.counts.signatures).toBe(0);
  });

  test('O6 RFC 6960 2.5, 4.2.2.1 thisUpdate and producedAt are whole seconds and not in the future', async () => {
    const { responses, producedAt, nextUpdate } = await ocsp.ask();
    const floor = new Date('2026-11-22T10:00:00Z');
    expect(producedAt).toEqual(floor);
    expect(responses[0]?.thisUpdate).toEqual(floor);
    expect(responses[0]?.nextUpdate).toEqual(nextUpdate);
    expect(nextUpdate.getTime() - floor.getTime()).toBe(DAY);
  });

  test('O3 no answer outlives the certificate of its signer', async () => {
    const signerEnd = new Date('2026-11-22T15:00:00Z');
    ocsp = madeUpResponder({ signerEnd });
    expect((await ocsp.ask()).nextUpdate).toEqual(signerEnd);
  });

  test('O3 when the last signer has ended nobody speaks for its issuer, and nothing is signed', async () => {
    const signerEnd = new Date(start.getTime() + 5 * DAY);
    ocsp = madeUpResponder({ signerEnd, issuerEnd: signerEnd });
    expect((await ocsp.ask()).statuses).toEqual(['good']);
    const { signatures } = ocsp.counts;
    ocsp.pass(5 * DAY);
    expect((await ocsp.ask()).kind).toBe('unauthorized');
    expect(ocsp.counts.signatures).toBe(signatures);
    // As often as anybody asks, so not one line in the log.
    expect(ocsp.log.join()).not.toContain('"level":"error"');
  });

  test('O3 a signer that a job has renewed takes over before the old one ends', async () => {
    await ocsp.ask();
    const end = new Date(start.getTime() + 60 * DAY);
    ocsp.putSigner('s2', end);
    ocsp.pass(29.5 * DAY);
    const answer = await ocsp.ask();
    expect(answer.statuses).toEqual(['good']);
    expect(answer.nextUpdate.getTime()).toBeGreaterThan(start.getTime() + 30 * DAY);
  });
});

describe('nonces (RFC 9654)', () => {
  test.each([1, 32, 128])(
    'O4 %i octets come back as they were sent, for nobody else',
    async (octets) => {
      const answer = await ocsp.ask({ nonce: nonce(octets) });
      expect(answer).toMatchObject({ nonce: '07'.repeat(octets), shareable: false });
    },
  );

  test.each([0, 129])('O4 %i octets are malformed', async (octets) => {
    expect((await ocsp.ask({ nonce: nonce(octets) })).kind).toBe('malformedRequest');
  });

  test('O4 an answer with a nonce neither comes from memory nor enters it', async () => {
    await ocsp.ask({ nonce: nonce() });
    const plain = await ocsp.ask();
    expect([plain.nonce, ocsp.counts.signatures]).toEqual([undefined, 2]);
    const again = await ocsp.ask({ nonce: nonce() });
    expect([again.nonce, ocsp.counts.signatures]).toEqual(['07'.repeat(16), 3]);
    await ocsp.ask();
    expect(ocsp.counts.signatures).toBe(3);
  });
});

describe('memory', () => {
  test('RFC 6960 2.5 the everyday answer is signed once and shared', async () => {
    const first = await ocsp.ask();
    ocsp.pass(3_600 * SECOND);
    await ocsp.responder.poll();
    const second = await ocsp.ask();
    expect(second.der).toBe(first.der);
    expect([first.shareable, second.shareable]).toEqual([true, true]);
    expect(ocsp.counts.signatures).toBe(1);
    expect(ocsp.statuses.counts.reads).toBe(1);
  });

  test('RFC 6960 2.4 it is signed anew from half of its life on', async () => {
    const first = await ocsp.ask();
    ocsp.pass(DAY / 2 - SECOND);
    await ocsp.responder.poll();
    expect((await ocsp.ask()).der).toBe(first.der);
    ocsp.pass(SECOND);
    await ocsp.responder.poll();
    const renewed = await ocsp.ask();
    expect(renewed.thisUpdate).toEqual(new Date('2026-11-22T22:00:00Z'));
    expect(ocsp.counts.signatures).toBe(2);
    expect((await ocsp.ask()).der).toBe(renewed.der);
  });

  test('each way to write a CertID has its own answer, byte for byte its own', async () => {
    for (const hash of [...ocspHashes, ...ocspHashes]) {
      const certIds = [certIdOf('11aa', hash)];
      const { responses } = await ocsp.ask({ certIds });
      expect(responses[0]?.certId.certIdDer).toEqual(certIds[0]);
    }
    expect(ocsp.counts.signatures).toBe(4);
  });

  test('O2 unknown is never remembered nor shared: issuing shows at once', async () => {
    const certIds = [certIdOf('11cc')];
    const before = await ocsp.ask({ certIds });
    expect([before.statuses, before.shareable]).toEqual([['unknown'], false]);
    ocsp.statuses.issue('first', '11cc');
    const after = await ocsp.ask({ certIds });
    expect([after.statuses, after.shareable]).toEqual([['good'], true]);
  });

  test('an answer about several certificates is neither remembered nor shared', async () => {
    const certIds = [certIdOf('11aa'), certIdOf('11bb')];
    for (const signatures of [1, 2]) {
      const answer = await ocsp.ask({ certIds });
      expect([answer.shareable, ocsp.counts.signatures]).toEqual([false, signatures]);
    }
  });
});

describe('trouble', () => {
  test('O4 nonces beyond the budget: tryLater, while everyday questions are answered', async () => {
    await ocsp.ask();
    let answered = 0;
    for (let count = 0; count < 450; count++) {
      const { kind } = await ocsp.ask({ nonce: nonce() });
      if (kind === 'answer') answered += 1;
      else expect(kind).toBe('tryLater');
    }
    expect(answered).toBe(400);
    expect((await ocsp.ask()).statuses).toEqual(['good']);
    expect((await ocsp.ask({ certIds: [certIdOf('11bb')] })).statuses).toEqual(['good']);
    ocsp.pass(SECOND);
    expect((await ocsp.ask({ nonce: nonce() })).statuses).toEqual(['good']);
  });

  test('O2 made-up serial numbers have the budget of nonces', async () => {
    for (let count = 0; count < 400; count++) await ocsp.ask({ certIds: [certIdOf('11cc')] });
    expect((await ocsp.ask({ certIds: [certIdOf('11cc')] })).kind).toBe('tryLater');
  });

  test('O6 the clock goes back: tryLater and a line in the log, until it has caught up', async () => {
    await ocsp.ask();
    ocsp.setClock(-10 * SECOND);
    for (const question of [{}, { nonce: nonce() }, { certIds: [certIdOf('11bb')] }]) {
      expect((await ocsp.ask(question)).kind).toBe('tryLater');
    }
    expect(ocsp.log.join('')).toContain('"event":"clock-went-back"');
    ocsp.setClock(8 * SECOND);
    expect((await ocsp.ask({ nonce: nonce() })).statuses).toEqual(['good']);
  });

  test('O6 another process has signed later already: tryLater, until that time has come', async () => {
    ocsp.mark.latest = new Date(start.getTime() + 60 * SECOND);
    expect((await ocsp.ask()).kind).toBe('tryLater');
    expect(ocsp.counts.signatures).toBe(0);
    ocsp.pass(60 * SECOND);
    expect((await ocsp.ask()).statuses).toEqual(['good']);
  });

  test.each([
    ['ready-signed', {}],
    ['signed on demand', { nonce: nonce() }],
  ])('an answer that lint refuses, %s: tryLater, and nothing is signed', async (_, question) => {
    // No revocation is stored with this reason; what if one were?
    ocsp.statuses.set('first', '11aa', { ...revoked(), reason: 'removeFromCRL' as 'superseded' });
    expect((await ocsp.ask(question)).kind).toBe('tryLater');
    expect(ocsp.counts.signatures).toBe(0);
    expect(ocsp.log.join('')).toContain('ocsp-reason');
    ocsp.statuses.set('first', '11aa', revoked());
    expect((await ocsp.ask(question)).statuses).toEqual(['revoked']);
  });

  test('the database is gone: tryLater, nothing else, and an error in the log', async () => {
    await ocsp.ask();
    ocsp.statuses.isGone = true;
    expect((await ocsp.ask({ nonce: nonce() })).kind).toBe('tryLater');
    expect(ocsp.log.join('')).toContain('"event":"ocsp-signing-failed"');
    ocsp.statuses.isGone = false;
    expect((await ocsp.ask({ nonce: nonce() })).kind).toBe('answer');
  });

  test('O1 the database is gone before any issuer is known: tryLater, not unauthorized', async () => {
    ocsp.statuses.isGone = true;
    expect((await ocsp.ask()).kind).toBe('tryLater');
    expect((await ocsp.ask()).kind).toBe('tryLater');
    expect(ocsp.log.join('')).toContain('the database is gone');
    ocsp.statuses.isGone = false;
    expect((await ocsp.ask()).kind).toBe('answer');
  });

  test('RFC 6960 2.3 two that ask first of all at once: neither is unauthorized', async () => {
    const loading = ocsp.statuses.issuersGate.close();
    const first = ocsp.ask();
    await loading.arrived;
    const second = ocsp.ask();
    loading.open();
    expect([(await first).statuses, (await second).statuses]).toEqual([['good'], ['good']]);
    expect(ocsp.statuses.counts.issuers).toBe(1);
  });

  test('strangers make us look for new issuers twice a second and not more often', async () => {
    for (let count = 0; count < 20; count++) await ocsp.ask({ certIds: [foreign()] });
    expect(ocsp.statuses.counts.issuers).toBe(1);
    ocsp.pass(500);
    await ocsp.ask({ certIds: [foreign()] });
    expect(ocsp.statuses.counts.issuers).toBe(2);
  });

  describe('RFC 6960 2.3 an issuer that is new', () => {
    const question = { certIds: [certIdOf('11aa', 'sha1', 'second')] };
    let add: () => void;
    beforeEach(() => {
      const fresh = ocsp.statuses.issuers.pop();
      add = () => void (fresh && ocsp.statuses.issuers.push(fresh));
    });

    test('is answered for at once where it was made, and after half a second elsewhere', async () => {
      expect((await ocsp.ask(question)).kind).toBe('unauthorized');
      add();
      expect((await ocsp.ask(question)).kind).toBe('unauthorized');
      ocsp.responder.issuerActivated();
      expect((await ocsp.ask(question)).kind).toBe('answer');
      expect(ocsp.statuses.counts.issuers).toBe(2);
    });

    test('is not missed by a look-up that had begun before', async () => {
      const loading = ocsp.statuses.issuersGate.close();
      const asked = ocsp.ask(question);
      await loading.arrived;
      add();
      ocsp.responder.issuerActivated();
      loading.open();
      expect((await asked).kind).toBe('answer');
      expect(ocsp.statuses.counts.issuers).toBe(2);
    });
  });

  test('a signature that fails is tryLater, and the next one is tried', async () => {
    const delay = ocsp.statuses.delay;
    ocsp.statuses.delay = async (answer) => {
      if (answer instanceof Uint8Array) throw new Error('the HSM is gone');
      return answer;
    };
    expect((await ocsp.ask()).kind).toBe('tryLater');
    ocsp.statuses.delay = delay;
    expect((await ocsp.ask()).statuses).toEqual(['good']);
  });

  test('a request as clients write it, and one with a critical nonce, are answered alike', async () => {
    const reply = await ocsp.responder.answer(
      requestFor([certIdOf('11aa')], nonceExtension(nonce(), true)),
    );
    expect(reply.kind).toBe('answer');
  });
});
