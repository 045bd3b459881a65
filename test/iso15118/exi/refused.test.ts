/** Events that documents may not have, although the bits could say it. */

import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import { bodyOf, headerOf, refusal, rest } from '../../support/exi-beginnings.ts';
import {
  exiErrorOf,
  iso2,
  iso2Request,
  iso20Request,
  octets,
  signature,
} from '../../support/exi-samples.ts';
import { HandWriter } from '../../support/hand-writer.ts';
import { writeSignedInfo } from '../../support/signature-by-hand.ts';
import { fromHex } from '../../support/vectors.ts';

describe('other messages', () => {
  test('a SessionSetupReq as it is sent, non-strict as here and strict', () => {
    expect(
      refusal(() => decodeIso2(fromHex('809802004080c1014181c211d01804080c10141800'))),
    ).toEqual({
      code: 'other-message',
      path: 'V2G_Message/Body',
      message:
        'V2G_Message/Body: SessionSetupReq is no message about contract certificates (at bit 94)',
    });
    expect(
      refusal(() => decodeIso2(fromHex('809810020406080a0c0e113a0c020406080a0c'))).code,
    ).not.toBe('other-message');
  });

  test.each([...Array(36).keys()].filter((code) => code < 5 || code > 8))('-2: body %d', (code) => {
    const error = refusal(() => decodeIso2(rest(bodyOf(code))));
    expect([error.code, error.path]).toEqual(['other-message', 'V2G_Message/Body']);
  });

  test('-2: an empty body', () => {
    expect(refusal(() => decodeIso2(rest(bodyOf(35)))).message).toMatch(
      /an empty Body is no message/,
    );
  });

  test('-2: codes that no element has', () => {
    for (let code = 36; code < 64; code++) {
      expect(refusal(() => decodeIso2(rest(bodyOf(code)))).code).toBe('unexpected-event');
    }
  });

  test.each([
    ['-2', decodeIso2, 7, 81, [76]],
    ['-20', decodeIso20, 6, 55, [7, 8]],
  ] as const)('%s: other elements as a document', (_, decode, width, count, ours) => {
    for (let code = 0; code < 2 ** width; code++) {
      if ((ours as readonly number[]).includes(code)) continue;
      const w = new HandWriter();
      w.code(0x80, 8);
      w.code(code, width);
      expect(refusal(() => decode(rest(w))).code).toBe(
        code < count ? 'other-message' : 'unexpected-event',
      );
    }
  });

  test('-20: an AuthorizationReq is called by its name', () => {
    expect(refusal(() => decodeIso20(fromHex('8000ffff'))).message).toMatch(
      /^AuthorizationReq is no/,
    );
  });

  test('writing one', () => {
    const other = { name: 'AuthorizationReq', header: iso20Request.header };
    const error = refusal(() => encodeIso20(other as unknown as typeof iso20Request));
    expect(error.code).toBe('other-message');
    const body = { name: 'AuthorizationReq' } as unknown as typeof iso2Request;
    expect(refusal(() => encodeIso2(iso2(body))).code).toBe('bad-value');
  });
});

describe('what the profile of signatures forbids', () => {
  const at = 'V2G_Message/Header/Signature';

  /** A signature up to the event after SignatureValue. */
  const afterValue = (code: number): HandWriter => {
    const w = headerOf(1, 2);
    w.code(1, 2);
    writeSignedInfo(w, signature.signedInfo);
    w.code(0, 1);
    w.code(1, 2);
    w.binary(octets(64));
    w.code(0, 1);
    w.code(code, 2);
    return w;
  };

  /** A signature up to the event after the attribute of an element with an algorithm. */
  const afterAlgorithm = (
    which: 'CanonicalizationMethod' | 'SignatureMethod' | 'Transform' | 'DigestMethod',
    code: number,
    width: number,
  ): HandWriter => {
    const w = headerOf(1, 2);
    w.code(1, 2); // SignedInfo
    w.code(1, 2); // CanonicalizationMethod
    const open = (): void => {
      w.code(0, 1);
      w.string('Algorithm', 'x');
    };
    open();
    if (which !== 'CanonicalizationMethod') {
      w.code(1, 2);
      w.code(0, 1); // SignatureMethod
      open();
      if (which !== 'SignatureMethod') {
        w.code(2, 3);
        w.code(0, 1); // Reference
        if (which === 'Transform') {
          w.code(3, 3); // Transforms
          w.code(0, 1);
        } else {
          w.code(4, 3);
        }
        open();
      }
    }
    w.code(code, width);
    return w;
  };

  const info = `${at}/SignedInfo`;
  test.each([
    ['SE(KeyInfo)', at, afterValue(0)],
    ['SE(Object)', at, afterValue(1)],
    ['SE(*)', `${info}/CanonicalizationMethod`, afterAlgorithm('CanonicalizationMethod', 0, 2)],
    ['CH', `${info}/CanonicalizationMethod`, afterAlgorithm('CanonicalizationMethod', 2, 2)],
    ['SE(HMACOutputLength)', `${info}/SignatureMethod`, afterAlgorithm('SignatureMethod', 0, 3)],
    ['SE(*)', `${info}/SignatureMethod`, afterAlgorithm('SignatureMethod', 1, 3)],
    ['CH', `${info}/SignatureMethod`, afterAlgorithm('SignatureMethod', 3, 3)],
    ['SE(XPath)', `${info}/Reference/Transforms/Transform`, afterAlgorithm('Transform', 0, 3)],
    ['SE(*)', `${info}/Reference/Transforms/Transform`, afterAlgorithm('Transform', 1, 3)],
    ['CH', `${info}/Reference/Transforms/Transform`, afterAlgorithm('Transform', 3, 3)],
    ['SE(*)', `${info}/Reference/DigestMethod`, afterAlgorithm('DigestMethod', 0, 2)],
    ['CH', `${info}/Reference/DigestMethod`, afterAlgorithm('DigestMethod', 2, 2)],
  ])('%s in %s', (what, path, writer) => {
    const error = refusal(() => decodeIso2(rest(writer)));
    expect([error.code, error.path]).toEqual(['not-supported', path]);
    expect(error.message).toContain(`${path}: ${what} is not supported`);
  });

  test('the code that leaves the schema', () => {
    expect(refusal(() => decodeIso2(rest(afterValue(3)))).code).toBe('unexpected-event');
    const writer = afterAlgorithm('SignatureMethod', 4, 3);
    expect(refusal(() => decodeIso2(rest(writer))).code).toBe('unexpected-event');
  });
});

describe('every event of a document', () => {
  test('the code that leaves the schema is refused wherever one production is all there is', () => {
    // Header, SessionID and its content are one bit each, the first after 15 bits.
    const document = encodeIso2(iso2(iso2Request));
    for (const bit of [15, 16, 17]) {
      const changed = document.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (0x80 >> (bit & 7));
      const error = exiErrorOf(() => decodeIso2(changed));
      expect([error.code, error.bit]).toEqual(['unexpected-event', bit]);
    }
  });
});
