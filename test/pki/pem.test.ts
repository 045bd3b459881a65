import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, PemError, readPemBlocks, toPem } from '../../src/pki/pem.ts';

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(0x30);

describe('writing (RFC 7468)', () => {
  test('64 columns and a final newline', () => {
    const lines = toPem('CERTIFICATE', bytes(100)).split('\n');
    expect(lines.map((line) => line.length)).toEqual([27, 64, 64, 8, 25, 0]);
  });

  test('a view into a larger buffer yields only its own bytes', () => {
    const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(readPemBlocks(toPem('X509 CRL', view))).toEqual([
      { label: 'X509 CRL', der: new Uint8Array([2, 3]) },
    ]);
  });

  test.each(['', 'certificate', 'A-----', 'A\nB', ' A', 'A '.repeat(40)])(
    'the label %j is refused',
    (label) => {
      expect(() => toPem(label, bytes(1))).toThrow(PemError);
    },
  );
});

describe('reading (RFC 7468)', () => {
  const one = toPem('CERTIFICATE', bytes(60));
  test.each<[string, string, number]>([
    ['nothing', '', 0],
    ['text without blocks', 'hello\n-----\n', 0],
    ['one block', one, 1],
    ['two blocks with comments', `# root\n${one}\n# leaf\n----\n${one}end`, 2],
    ['CRLF', one.replaceAll('\n', '\r\n'), 1],
    ['no final newline', one.trimEnd(), 1],
    ['no line breaks', one.replaceAll('\n', ''), 1],
  ])('%s', (_name, text, count) => {
    const blocks = readPemBlocks(text);
    expect(blocks).toHaveLength(count);
    for (const block of blocks) expect(block).toEqual({ label: 'CERTIFICATE', der: bytes(60) });
  });

  const begin = '-----BEGIN CERTIFICATE-----\n';
  const end = '-----END CERTIFICATE-----\n';
  test.each<[string, string]>([
    ['no END line', `${begin}MDAw\n`],
    ['another END line', `${begin}MDAw\n-----END X509 CRL-----\n`],
    ['an END line alone', end],
    ['two BEGIN lines', `${begin}${one}`],
    ['an unfinished BEGIN line', '-----BEGIN CERTIFICATE'],
    ['a lower-case label', '-----BEGIN cert-----\nMDAw\n-----END cert-----\n'],
    ['an empty block', begin + end],
    ['characters outside base64', `${begin}MD*w\n${end}`],
    ['base64url', `${begin}-_-_\n${end}`],
    ['missing padding', `${begin}MDA\n${end}`],
    ['padding in the middle', `${begin}MA==MDAw\n${end}`],
    ['stray bits', `${begin}MB==\n${end}`],
    ['encapsulated headers', `${begin}Proc-Type: 4,ENCRYPTED\n\nMDAw\n${end}`],
  ])('%s is refused', (_name, text) => {
    expect(() => readPemBlocks(text)).toThrow(PemError);
  });

  test('limits are exact', () => {
    const limits = { characters: one.length * 2, blocks: 2 };
    expect(readPemBlocks(one + one, limits)).toHaveLength(2);
    expect(() => readPemBlocks(`${one + one} `, limits)).toThrow(/characters/);
    expect(() => readPemBlocks(one + one, { ...limits, blocks: 1 })).toThrow(/1 PEM blocks/);
  });

  test('errors do not repeat what the block holds', () => {
    const text = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0!\n-----END PRIVATE KEY-----\n';
    expect(() => readPemBlocks(text)).toThrow(/^a PRIVATE KEY block does not hold base64$/);
  });

  test('any bytes survive the round trip', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (der) => {
        expect(readPemBlocks(toPem('X', der))).toEqual([{ label: 'X', der }]);
      }),
      { numRuns: 200 },
    );
  });
});

test('RFC 4648 3.5: base64 is canonical', () => {
  expect(decodeBase64('MD\n A=')).toEqual(new Uint8Array([0x30, 0x30]));
  for (const text of ['M', 'MD', 'MDB=', 'M===', '====', 'MDA=MDA=', 'MDAé']) {
    expect(decodeBase64(text)).toBeUndefined();
  }
});
