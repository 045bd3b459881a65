import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { sessionIdToAnswer } from '../../../src/iso15118/installation/session-id.ts';
import { iso2RequestOf } from '../../support/car-requests.ts';
import { messageVectorNames, sessionIdOf, standardOf } from '../../support/vector-messages.ts';
import { fromHex, readVector } from '../../support/vectors.ts';

const noSession = new Uint8Array(8);

const withRequest = messageVectorNames()
  .map((name) => readVector(name))
  .filter(({ request }) => request?.exiHex !== undefined);

describe('the session id to answer with', () => {
  test.each(withRequest.map((vector) => [vector.id, vector]))('%s', (_name, vector) => {
    const exi = fromHex(vector.request.exiHex);
    expect(sessionIdToAnswer(standardOf(vector), exi)).toEqual(sessionIdOf(vector));
  });

  test('is that of a message of which only the beginning is left', () => {
    for (const vector of withRequest) {
      const start = fromHex(vector.request.exiHex).subarray(0, 12);
      expect(sessionIdToAnswer(standardOf(vector), start)).toEqual(sessionIdOf(vector));
      const less = start.subarray(0, 10);
      expect(sessionIdToAnswer(standardOf(vector), less)).toEqual(noSession);
    }
  });

  test('may be short in -2, and is not in -20', () => {
    const { body } = iso2RequestOf(readVector('iso2-install-1sub'));
    for (let length = 0; length <= 8; length++) {
      const sessionId = new Uint8Array(length).fill(7);
      const exi = encodeIso2({ header: { sessionId }, body });
      expect(sessionIdToAnswer('iso15118-2', exi)).toEqual(sessionId);
    }
  });

  test.each([
    ['nothing', ''],
    ['the EXI header', '80'],
    ['text', Buffer.from('not exi at all').toString('hex')],
    ['an EXI cookie', '2445584980980216722555aabbccddeeff00'],
    ['another root', '809a02167225a5bdb2e2638a895a1d1d'],
    ['another EXI header', '819802167225a5bdb2e2638a895a1d1d'],
    ['something else before the session id', '809902167225a5bdb2e2638a895a1d1d'],
    ['a session id of 9', '80980257225a5bdb2e2638a895a1d1d1c0'],
  ])('%s has none', (_what, hex) => {
    expect(sessionIdToAnswer('iso15118-2', fromHex(hex))).toEqual(noSession);
  });

  test('a session id of another length than 8 is none in -20', () => {
    expect(sessionIdToAnswer('iso15118-20', fromHex('801c03e1b95ce8ae44a79300'))).toEqual(
      noSession,
    );
  });

  test('of anything is at most 8 octets, and 8 in -20', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
        const exi = Uint8Array.from([0x80, ...octets]);
        expect(sessionIdToAnswer('iso15118-2', exi).length).toBeLessThanOrEqual(8);
        expect(sessionIdToAnswer('iso15118-20', exi)).toHaveLength(8);
      }),
      { numRuns: 2000 },
    );
  });
});
