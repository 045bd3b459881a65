/**
 * A revocation that comes while an answer is being made (O5): an old `good` must reach neither
 * memory nor the asker, in whatever order reading, revoking, hearing of it and signing end.
 */

import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  certIdOf,
  DAY,
  madeUpResponder,
  revoked,
  SECOND,
  start,
  type TestResponder,
} from '../support/responder.ts';

let ocsp: TestResponder;
beforeEach(() => {
  ocsp = madeUpResponder();
});

/** As a service does it: durable first, then told. */
const revokeHere = () => {
  const sequence = ocsp.statuses.set('first', '11aa', revoked());
  ocsp.responder.changed('first', '11aa', sequence);
};
const revokeElsewhere = () => ocsp.statuses.set('first', '11aa', revoked());

const ways = [
  ['without a nonce', {}],
  ['with a nonce', { nonce: new Uint8Array(16) }],
  ['among others', { certIds: [certIdOf('11bb'), certIdOf('11aa')] }],
] as const;

describe.each(ways)('O5 a question %s', (_, question) => {
  test('status read, revoked here, then signed: revoked on the wire and in memory', async () => {
    const signing = ocsp.signGate.close();
    const asked = ocsp.ask(question);
    await signing.arrived;
    revokeHere();
    signing.open();
    expect((await asked).statuses.at(-1)).toBe('revoked');
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('status read and held up, revoked here meanwhile: revoked', async () => {
    const reading = ocsp.statuses.readGate.close();
    const asked = ocsp.ask(question);
    await reading.arrived;
    revokeHere();
    reading.open();
    expect((await asked).statuses.at(-1)).toBe('revoked');
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('status read, revoked elsewhere, heard of by a poll, then signed: revoked', async () => {
    const signing = ocsp.signGate.close();
    const asked = ocsp.ask(question);
    await signing.arrived;
    revokeElsewhere();
    await ocsp.responder.poll();
    signing.open();
    expect((await asked).statuses.at(-1)).toBe('revoked');
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('the signer sleeps for more than a second: the status is read again', async () => {
    const signing = ocsp.signGate.close();
    const asked = ocsp.ask(question);
    await signing.arrived;
    revokeElsewhere();
    ocsp.pass(1_001);
    signing.open();
    expect((await asked).statuses.at(-1)).toBe('revoked');
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('reading takes more than a second: the status is read again', async () => {
    const reading = ocsp.statuses.readGate.close();
    const asked = ocsp.ask(question);
    await reading.arrived;
    revokeElsewhere();
    ocsp.pass(1_001);
    reading.open();
    expect((await asked).statuses.at(-1)).toBe('revoked');
  });

  test('every attempt takes too long: tryLater, and nothing is remembered', async () => {
    const sleeps = [1, 2, 3].map(() => ocsp.signGate.close());
    const asked = ocsp.ask(question);
    for (const { arrived, open } of sleeps) {
      await arrived;
      ocsp.pass(1_001);
      open();
    }
    expect((await asked).kind).toBe('tryLater');
    const signatures = ocsp.counts.signatures;
    await ocsp.ask();
    expect(ocsp.counts.signatures).toBe(signatures + 1);
  });
});

describe('O5 what is in memory', () => {
  test('a revocation here shows at once', async () => {
    await ocsp.ask();
    revokeHere();
    const { statuses, thisUpdate } = await ocsp.ask();
    expect(statuses).toEqual(['revoked']);
    expect(thisUpdate).toEqual(new Date('2026-11-22T10:00:00Z'));
    // The database is where it comes from; polling adds nothing.
    await ocsp.responder.poll();
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('a revocation elsewhere shows with the next poll', async () => {
    await ocsp.ask();
    revokeElsewhere();
    await ocsp.responder.poll();
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('a revocation elsewhere shows with the next status read of that issuer', async () => {
    await ocsp.ask();
    revokeElsewhere();
    await ocsp.ask({ certIds: [certIdOf('11bb')] });
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('a hold that is lifted shows the same way', async () => {
    ocsp.statuses.set('first', '11aa', { ...revoked(), state: 'held', reason: 'certificateHold' });
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
    ocsp.statuses.set('first', '11aa', { state: 'issued' });
    await ocsp.responder.poll();
    expect((await ocsp.ask()).statuses).toEqual(['good']);
  });

  test('two first reads with different sequences: the older one is read again', async () => {
    const older = ocsp.statuses.readGate.close();
    const first = ocsp.ask();
    await older.arrived;
    revokeElsewhere();
    expect((await ocsp.ask({ nonce: new Uint8Array(1) })).statuses).toEqual(['revoked']);
    older.open();
    expect((await first).statuses).toEqual(['revoked']);
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('two first reads: the newer one takes what the older one has just left', async () => {
    const reads = [ocsp.statuses.readGate.close(), ocsp.statuses.readGate.close()] as const;
    const first = ocsp.ask();
    await reads[0].arrived;
    revokeElsewhere();
    const second = ocsp.ask({ certIds: [certIdOf('11bb')] });
    await reads[1].arrived;
    reads[0].open();
    // It was read before the revocation, and says so honestly.
    expect((await first).statuses).toEqual(['good']);
    reads[1].open();
    await second;
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('a change that keeps coming: tryLater in the end rather than something old', async () => {
    const signings = [1, 2, 3].map(() => ocsp.signGate.close());
    const asked = ocsp.ask();
    for (const { arrived, open } of signings) {
      await arrived;
      ocsp.responder.changed('first', '11bb');
      open();
    }
    expect((await asked).kind).toBe('tryLater');
  });
});

describe('O5 the database cannot be asked what has changed', () => {
  const failedPolls = async (milliseconds: number) => {
    ocsp.statuses.isGone = true;
    for (let passed = 0; passed < milliseconds; passed += 500) {
      ocsp.pass(500);
      await ocsp.responder.poll().catch(() => undefined);
    }
  };

  test('for up to five seconds memory is good enough', async () => {
    await ocsp.ask();
    await ocsp.responder.poll();
    await failedPolls(5_000);
    expect((await ocsp.ask()).statuses).toEqual(['good']);
  });

  test('for longer: nothing from memory, tryLater for as long as it lasts', async () => {
    await ocsp.ask();
    await ocsp.responder.poll();
    revokeElsewhere();
    await failedPolls(5_500);
    expect((await ocsp.ask()).kind).toBe('tryLater');
    await failedPolls(60_000);
    expect((await ocsp.ask()).kind).toBe('tryLater');
    ocsp.statuses.isGone = false;
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });

  test('only the polls fail: each question is answered by reading the database', async () => {
    await ocsp.ask();
    const { readSequences } = ocsp.statuses;
    ocsp.statuses.readSequences = () => Promise.reject(new Error('no connection for you'));
    for (let passed = 0; passed <= 5_000; passed += 500) {
      ocsp.pass(500);
      await ocsp.responder.poll().catch(() => undefined);
    }
    for (const signatures of [2, 3]) {
      expect((await ocsp.ask()).statuses).toEqual(['good']);
      expect(ocsp.counts.signatures).toBe(signatures);
    }
    revokeElsewhere();
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
    ocsp.statuses.readSequences = readSequences;
    await ocsp.responder.poll();
    const { signatures } = ocsp.counts;
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
    expect(ocsp.counts.signatures).toBe(signatures);
  });

  test('this process slept for longer: nothing from memory before the first poll', async () => {
    await ocsp.ask();
    revokeElsewhere();
    ocsp.pass(60 * SECOND);
    expect((await ocsp.ask()).statuses).toEqual(['revoked']);
  });
});

test('O5 in any order of events nobody hears good after the revocation has returned', async () => {
  const questions = fc.array(fc.constantFrom(...ways.map(([, question]) => question)), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), questions, fc.boolean(), async (s, asked, isHere) => {
      ocsp = madeUpResponder();
      ocsp.statuses.delay = (answer) => s.schedule(Promise.resolve(answer), 'answer');
      let revokedFor = Number.POSITIVE_INFINITY;
      let step = 0;
      const revocation = s.schedule(Promise.resolve(), 'revoke').then(async () => {
        if (isHere) revokeHere();
        else {
          revokeElsewhere();
          await ocsp.responder.poll();
        }
        revokedFor = ++step;
      });
      const answers = asked.map(async (question, index) => {
        await s.schedule(Promise.resolve(), `ask ${index}`);
        const answer = await ocsp.ask(question);
        return { at: ++step, status: answer.statuses.at(-1), kind: answer.kind };
      });
      await s.waitFor(Promise.all([revocation, ...answers]));
      const last = s.waitFor(ocsp.ask());
      expect((await last).statuses).toEqual(['revoked']);
      for (const { at, status, kind } of await Promise.all(answers)) {
        expect(kind).toBe('answer');
        if (at > revokedFor) expect(status).toBe('revoked');
      }
    }),
    { numRuns: 200 },
  );
});

test('O3 a responder whose certificate is revoked signs nothing any more', async () => {
  const own = Buffer.from(ocsp.certificate.serialNumber).toString('hex');
  await ocsp.ask();
  ocsp.putSigner('s2', new Date(start.getTime() + 20 * DAY));
  ocsp.signers.delete('s1');
  const sequence = ocsp.statuses.set('first', own, revoked());
  ocsp.responder.changed('first', own, sequence);
  const before = ocsp.counts.signatures;
  const answer = await ocsp.ask();
  expect(answer.statuses).toEqual(['good']);
  expect(ocsp.counts.signatures).toBe(before + 1);
  expect(answer.nextUpdate.getTime()).toBeLessThan(start.getTime() + 2 * DAY);
});
