/** Documents that say something in a way that nobody may, and what is returned of those that do not. */

import { describe, expect, test } from 'vitest';
import type { Datatype } from '../../../src/iso15118/exi/datatypes.ts';
import { decodeDocument, encodeDocument } from '../../../src/iso15118/exi/document.ts';
import type { ExiError } from '../../../src/iso15118/exi/exi-error.ts';
import {
  alternative,
  complex,
  element,
  globalElements,
} from '../../../src/iso15118/exi/grammar.ts';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { iso2ResponseCodes } from '../../../src/iso15118/exi/iso2-messages.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import { iso20ResponseCodes } from '../../../src/iso15118/exi/iso20-messages.ts';
import { bodyOf, headerOf, refusal, rest } from '../../support/exi-beginnings.ts';
import {
  exiErrorOf,
  iso2,
  iso2Request,
  iso2Response,
  iso20Request,
  octets,
  signature,
} from '../../support/exi-samples.ts';
import { HandWriter } from '../../support/hand-writer.ts';
import { withBitFlipped } from '../../support/signed-messages.ts';

describe('values without a meaning', () => {
  test('response codes of -2 beyond the 26', () => {
    expect(iso2ResponseCodes).toHaveLength(26);
    for (let code = 26; code < 32; code++) {
      const w = bodyOf(6);
      w.code(0, 2);
      w.code(code, 5);
      const error = refusal(() => decodeIso2(rest(w)));
      expect(error.code).toBe('bad-value');
      expect(error.path).toBe('V2G_Message/Body/CertificateInstallationRes/ResponseCode');
    }
  });

  test('response codes of -20 beyond the 40, and a fault code and a processing that are none', () => {
    expect(iso20ResponseCodes).toHaveLength(40);
    const responding = (): HandWriter => {
      const w = new HandWriter();
      w.code(0x80, 8);
      w.code(8, 6);
      w.code(0, 3);
      w.binary(octets(8));
      w.code(0, 3);
      w.unsigned(1);
      w.code(0, 1);
      w.code(1, 2);
      w.code(0, 2);
      return w;
    };
    for (let code = 40; code < 64; code++) {
      const w = responding();
      w.code(code, 6);
      expect(refusal(() => decodeIso20(rest(w))).code).toBe('bad-value');
    }
    const processing = responding();
    processing.code(0, 6);
    processing.code(0, 3);
    processing.code(3, 2);
    const error = refusal(() => decodeIso20(rest(processing)));
    expect([error.code, error.path]).toEqual([
      'bad-value',
      'CertificateInstallationRes/EVSEProcessing',
    ]);
    const notified = headerOf(0, 2);
    notified.code(0, 2);
    notified.code(3, 2);
    expect(refusal(() => decodeIso2(rest(notified))).path).toBe(
      'V2G_Message/Header/Notification/FaultCode',
    );
  });
});

describe('what is readable, but nothing that the codec would write', () => {
  test.each([
    ['8', [0x88, 0x00]],
    ['0', [0x80, 0x00]],
  ])('a length of %s in two octets', (_, length) => {
    const w = new HandWriter();
    w.code(0x80, 8);
    w.code(76, 7);
    w.code(0, 3);
    for (const octet of length) w.code(octet, 8);
    const error = exiErrorOf(() => decodeIso2(rest(w)));
    expect([error.code, error.bit]).toEqual(['not-canonical', 18]);
  });

  test.each([
    ['-20: a time', [0x81, 0x00]],
    ['a time of eight octets and nothing', [...Array(7).fill(0xff), 0x80, 0x00]],
  ])('%s', (_, time) => {
    const w = new HandWriter();
    w.code(0x80, 8);
    w.code(7, 6);
    w.code(0, 3);
    w.binary(octets(8));
    w.code(0, 3);
    for (const octet of time) w.code(octet, 8);
    expect(refusal(() => decodeIso20(rest(w)))).toMatchObject({
      code: 'not-canonical',
      path: 'CertificateInstallationReq/Header/TimeStamp',
    });
  });

  test('bits after the end', () => {
    const document = encodeIso20(iso20Request);
    const changed = document.slice();
    changed[changed.length - 1] = (changed.at(-1) as number) | 1;
    expect(exiErrorOf(() => decodeIso20(changed)).code).toBe('not-canonical');
  });

  test('something after the end; zero octets are counted', () => {
    const document = encodeIso2(iso2(iso2Request));
    expect(decodeIso2(Uint8Array.of(...document, 0, 0, 0)).trailingZeros).toBe(3);
    const error = exiErrorOf(() => decodeIso2(Uint8Array.of(...document, 0, 1, 0)));
    expect([error.code, error.bit]).toEqual(['trailing-data', (document.length + 1) * 8]);
  });

  test('another header: a cookie, options, another version, V2GTP', () => {
    const document = encodeIso2(iso2(iso2Request));
    for (const first of [0x24, 0xa0, 0x81, 0x90, 0xc0, 0x00, 0x01]) {
      const error = exiErrorOf(() => decodeIso2(Uint8Array.of(first, ...document.slice(1))));
      expect([error.code, error.bit, error.path]).toEqual(['not-exi', 0, '']);
    }
  });
});

test('what a reader takes that the writer writes otherwise is refused, though no hit is in it', () => {
  const careless: Datatype<number> = {
    read: (reader) => reader.bits(8) & 0x7f,
    write: (writer, value) => writer.bits(value, 8),
  };
  const grammar = globalElements(1, {
    0: alternative('Thing', complex<{ size: number }>({ size: element('Size', careless) })),
  });
  const document = encodeDocument(grammar, { size: 5 });
  expect(decodeDocument(grammar, document, () => [])).toMatchObject({ reencodes: 'identically' });
  const refusals = Array.from({ length: 8 * document.length }, (_, bit) => {
    try {
      decodeDocument(grammar, withBitFlipped(document, bit), () => []);
      return '';
    } catch (error) {
      const { code, message } = error as ExiError;
      return `${code} ${message}`;
    }
  });
  const otherwise = refusals.filter((text) => text.includes('written otherwise'));
  expect(otherwise).toEqual([expect.stringMatching(/^not-canonical /)]);
});

describe('what is returned', () => {
  test('has no fields for what was not there', () => {
    const { message } = decodeIso2(encodeIso2(iso2(iso2Response, { signature })));
    expect(Object.keys(message.header)).toEqual(['sessionId', 'signature']);
    expect(Object.keys(message.header.signature ?? {})).toEqual(['signedInfo', 'signatureValue']);
    expect(Object.keys(message.header.signature?.signedInfo.references[0] ?? {})).toEqual([
      'uri',
      'transforms',
      'digestMethod',
      'digestValue',
    ]);
  });

  test('shares nothing with the document, and is no Buffer where that is one', () => {
    const document = Buffer.from(encodeIso2(iso2(iso2Request)));
    const { message } = decodeIso2(document);
    document.fill(0);
    expect(message).toEqual(iso2(iso2Request));
    expect(Buffer.isBuffer(message.header.sessionId)).toBe(false);
  });
});
