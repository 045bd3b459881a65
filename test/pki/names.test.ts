import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DerReader } from '../../src/pki/der.ts';
import { DerError, tags } from '../../src/pki/der-element.ts';
import { element, oid, sequence, set, setOf } from '../../src/pki/der-writer.ts';
import {
  attributeValue,
  canonicalName,
  type DistinguishedName,
  NameError,
  nameText,
  readForeignName,
  readName,
  sameName,
  writeName,
} from '../../src/pki/names.ts';
import { attributeTypes } from '../../src/pki/oids.ts';

type Pair = readonly [type: string, value: string];
const named = (...pairs: Pair[]): DistinguishedName => ({
  attributes: pairs.map(([type, value]) => ({ type, value })),
});
const oids: Record<string, string> = attributeTypes;
const atv = (type: string, tag: number, content: Uint8Array): Uint8Array =>
  sequence(oid(oids[type] ?? type), element(tag, content));
const rdn = (type: string, tag: number, text: string, encoding: BufferEncoding = 'utf8') =>
  set(atv(type, tag, Buffer.from(text, encoding)));
const over = (der: Uint8Array): DerReader => DerReader.over(der, 16_384);
const read = (...rdns: Uint8Array[]): DistinguishedName => readName(over(sequence(...rdns)));
const readForeign = (...rdns: Uint8Array[]) => readForeignName(over(sequence(...rdns)));

describe('reading strictly', () => {
  test('a name in the order of its encoding', () => {
    const name = read(
      rdn('C', tags.printableString, 'DE'),
      rdn('O', tags.printableString, 'Charging Ltd.'),
      rdn('CN', tags.utf8String, 'Ladesäule 1'),
      rdn('DC', tags.ia5String, 'CPO'),
      rdn('emailAddress', tags.ia5String, 'a@b.example'),
      rdn('2.5.4.12', tags.utf8String, 'title'),
    );
    expect(name).toEqual(
      named(
        ['C', 'DE'],
        ['O', 'Charging Ltd.'],
        ['CN', 'Ladesäule 1'],
        ['DC', 'CPO'],
        ['emailAddress', 'a@b.example'],
        ['2.5.4.12', 'title'],
      ),
    );
  });

  test('an empty name', () => {
    expect(read()).toEqual({ attributes: [] });
  });

  const utf8 = tags.utf8String;
  test.each<[string, Uint8Array[], RegExp]>([
    ['TeletexString', [rdn('CN', tags.teletexString, 'x')], /CN: teletexString/],
    ['BMPString', [rdn('CN', tags.bmpString, 'x', 'utf16le')], /CN: bmpString/],
    ['UniversalString', [rdn('CN', tags.universalString, '\0\0\0x')], /CN: universalString/],
    ['VisibleString', [rdn('CN', tags.visibleString, 'x')], /CN: visibleString/],
    ['IA5String for CN', [rdn('CN', tags.ia5String, 'x')], /CN: ia5String/],
    ['an INTEGER', [rdn('CN', tags.integer, 'x')], /CN: integer/],
    ['a private tag', [rdn('CN', 0xc1, 'x')], /CN: a value with tag 0xc1/],
    ['UTF8String for C', [rdn('C', utf8, 'DE')], /C: utf8String/],
    ['UTF8String for DC', [rdn('DC', utf8, 'CPO')], /DC: utf8String/],
    ['PrintableString for DC', [rdn('DC', tags.printableString, 'CPO')], /DC: printableString/],
    ['UTF8String for emailAddress', [rdn('emailAddress', utf8, 'a@b')], /emailAddress: utf8/],
    ['UTF8String for serialNumber', [rdn('serialNumber', utf8, '1')], /serialNumber: utf8/],
    ['C of one letter', [rdn('C', tags.printableString, 'D')], /two upper-case/],
    ['C of three letters', [rdn('C', tags.printableString, 'DEU')], /two upper-case/],
    ['C in lower case', [rdn('C', tags.printableString, 'de')], /two upper-case/],
    [
      'an asterisk in PrintableString',
      [rdn('CN', tags.printableString, 'DE*A')],
      /outside its set/,
    ],
    ['an at sign in PrintableString', [rdn('O', tags.printableString, 'a@b')], /outside its set/],
    ['Latin-1 in IA5String', [rdn('DC', tags.ia5String, 'ä', 'latin1')], /outside ASCII/],
    ['NUL', [rdn('CN', utf8, 'good\0.evil')], /U\+0000/],
    ['a C0 control', [rdn('CN', utf8, 'a\tb')], /U\+0009/],
    ['DEL', [rdn('CN', utf8, 'a\x7f')], /U\+007F/],
    ['DEL in IA5String', [rdn('DC', tags.ia5String, 'a\x7f')], /U\+007F/],
    ['a C1 control', [rdn('CN', utf8, 'a\u0085b')], /U\+0085/],
    ['a right-to-left override', [rdn('CN', utf8, 'a\u202eb')], /U\+202E/],
    ['a bidi isolate', [rdn('CN', utf8, 'a\u2066b')], /U\+2066/],
    ['a zero-width space', [rdn('CN', utf8, 'a\u200bb')], /U\+200B/],
    ['a zero-width joiner', [rdn('CN', utf8, 'a\u200db')], /U\+200D/],
    ['a leading byte order mark', [rdn('CN', utf8, '\ufeffa')], /U\+FEFF/],
    ['a soft hyphen', [rdn('CN', utf8, 'a\u00adb')], /U\+00AD/],
    ['a Hangul filler', [rdn('CN', utf8, 'a\u3164')], /U\+3164/],
    ['a variation selector', [rdn('CN', utf8, 'a\ufe0f')], /U\+FE0F/],
    ['a tag character', [rdn('CN', utf8, 'a\u{e0041}')], /U\+E0041/],
    ['a private-use character', [rdn('CN', utf8, '\ue000')], /U\+E000/],
    ['a noncharacter', [rdn('CN', utf8, 'a\uffff')], /U\+FFFF/],
    ['an unassigned character', [rdn('CN', utf8, 'a\u0378')], /U\+0378/],
    ['a line separator', [rdn('CN', utf8, 'a\u2028b')], /U\+2028/],
    ['decomposed umlaut', [rdn('CN', utf8, 'a\u0308')], /form C/],
    ['overlong UTF-8', [rdn('CN', utf8, '\xc0\xaf', 'latin1')], /not valid UTF-8/],
    ['Latin-1 in UTF8String', [rdn('CN', utf8, 'S\xe4ule', 'latin1')], /not valid UTF-8/],
    ['UTF-8 cut off', [rdn('CN', utf8, 'a\xc3', 'latin1')], /not valid UTF-8/],
    ['a code point past the last', [rdn('CN', utf8, '\xf4\x90\x80\x80', 'latin1')], /not valid/],
    ['a surrogate in UTF-8', [rdn('CN', utf8, '\xed\xa0\x80', 'latin1')], /not valid UTF-8/],
    ['an empty value', [rdn('CN', utf8, '')], /CN: the value is empty/],
    ['only white space', [rdn('CN', utf8, ' \u00a0 ')], /CN: the value is empty/],
    ['a CN of 65 characters', [rdn('CN', utf8, 'x'.repeat(65))], /CN: .* 64 characters/],
    ['an O of 65 characters', [rdn('O', utf8, 'ä'.repeat(65))], /O: .* 64 characters/],
    ['an e-mail address of 256', [rdn('emailAddress', tags.ia5String, 'a'.repeat(256))], /255/],
    ['a DC of 64', [rdn('DC', tags.ia5String, 'a'.repeat(64))], /63/],
    ['an unknown type of 129', [rdn('1.2.3', utf8, 'a'.repeat(129))], /1\.2\.3: .* 128/],
    ['CN twice', [rdn('CN', utf8, 'a'), rdn('CN', utf8, 'b')], /CN: occurs twice/],
    [
      'two attributes in one RDN',
      [setOf(atv('CN', utf8, Buffer.from('a')), atv('O', utf8, Buffer.from('b')))],
      /CN: shares its RDN/,
    ],
    [
      '17 RDNs',
      Array.from({ length: 17 }, (_, index) => rdn(`1.2.3.${index}`, utf8, 'a')),
      /more than 16 RDNs/,
    ],
  ])('C5: %s is refused', (_name, rdns, message) => {
    const attempt = () => read(...rdns);
    expect(attempt).toThrow(NameError);
    expect(attempt).toThrow(message);
  });

  test('C5: the error names the attribute', () => {
    try {
      read(rdn('O', tags.utf8String, ''));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'NameError', attribute: 'O' });
    }
  });

  test.each<[string, string, number, string]>([
    ['CN of 64 characters', 'CN', utf8, 'x'.repeat(64)],
    ['CN of 64 characters outside the basic plane', 'CN', utf8, '\u{1f50c}'.repeat(64)],
    ['composed umlaut', 'CN', utf8, 'ä'],
    ['slash and hyphen', 'CN', tags.printableString, 'S/N-0123'],
    ['emailAddress of 255', 'emailAddress', tags.ia5String, 'a'.repeat(255)],
    ['serialNumber', 'serialNumber', tags.printableString, '0042'],
  ])('%s is accepted', (_name, type, tag, value) => {
    expect(read(rdn(type, tag, value))).toEqual(named([type, value]));
  });

  test('16 RDNs are accepted', () => {
    const rdns = Array.from({ length: 16 }, (_, index) => rdn(`1.2.3.${index}`, utf8, 'a'));
    expect(read(...rdns).attributes).toHaveLength(16);
  });

  const cn = oid(attributeTypes.CN);
  test.each<[string, Uint8Array]>([
    ['an empty RDN', sequence(set())],
    ['a SEQUENCE for an RDN', sequence(sequence())],
    ['an attribute without value', sequence(set(sequence(cn)))],
    ['an attribute with two values', sequence(set(sequence(cn, cn, cn)))],
    ['a constructed string', sequence(set(sequence(cn, element(0x2c, new Uint8Array()))))],
    ['no SEQUENCE at all', set()],
    ['nothing', new Uint8Array()],
  ])('C1: %s is not a name', (_name, der) => {
    expect(() => readName(over(der))).toThrow(DerError);
    expect(() => readForeignName(over(der))).toThrow(DerError);
  });
});

describe('reading what others issued', () => {
  test('several attributes in an RDN, repeated types, any string type', () => {
    const name = readForeign(
      setOf(
        atv('CN', tags.teletexString, Buffer.from('S\xe4ule', 'latin1')),
        atv('OU', tags.bmpString, Buffer.from('\0\xe4', 'latin1')),
      ),
      rdn('OU', tags.ia5String, 'again'),
      rdn('C', tags.utf8String, 'deu'),
      rdn('O', tags.utf8String, ''),
    );
    expect(name.attributes).toEqual([
      { type: 'OU', value: 'ä' },
      { type: 'CN', value: 'Säule', sameRdn: true },
      { type: 'OU', value: 'again' },
      { type: 'C', value: 'deu' },
      { type: 'O', value: '' },
    ]);
    expect(nameText(name)).toBe('O=,C=deu,OU=again,OU=ä+CN=Säule');
  });

  test.each<[string, Uint8Array, string]>([
    ['an INTEGER', rdn('CN', tags.integer, '\x01'), '#020101'],
    ['UniversalString', rdn('CN', tags.universalString, '\0\0\0A'), '#1c0400000041'],
    ['BMPString of odd length', rdn('CN', tags.bmpString, '\0A\0'), '#1e03004100'],
    ['BMPString with half a pair', rdn('CN', tags.bmpString, '\xd8\x00', 'latin1'), '#1e02d800'],
    ['broken UTF-8', rdn('CN', tags.utf8String, '\xff', 'latin1'), '#0c01ff'],
  ])('%s appears as the hex of its DER', (_name, one, value) => {
    expect(readForeign(one)).toEqual(named(['CN', value]));
  });

  test('an unsorted RDN is not DER; more than 64 attributes are refused', () => {
    const [a, b] = [atv('O', 0x0c, Buffer.from('a')), atv('CN', 0x0c, Buffer.from('b'))];
    expect(() => readForeign(set(a, b))).toThrow(DerError);
    const many = Array.from({ length: 65 }, () => rdn('OU', 0x0c, 'x'));
    expect(readForeign(...many.slice(1)).attributes).toHaveLength(64);
    expect(() => readForeign(...many)).toThrow(NameError);
  });
});

describe('writing', () => {
  test('each type has its string type, in the given order', () => {
    const der = writeName(
      named(['C', 'DE'], ['O', 'Ltd'], ['CN', 'x'], ['serialNumber', '1'], ['DC', 'CPO']),
    );
    expect(der).toEqual(
      sequence(
        rdn('C', tags.printableString, 'DE'),
        rdn('O', tags.utf8String, 'Ltd'),
        rdn('CN', tags.utf8String, 'x'),
        rdn('serialNumber', tags.printableString, '1'),
        rdn('DC', tags.ia5String, 'CPO'),
      ),
    );
  });

  test.each<[string, DistinguishedName, RegExp]>([
    ['C=DEU', named(['C', 'DEU']), /C: .*two upper-case/],
    ['an empty CN', named(['CN', '']), /CN: .*empty/],
    ['a CN of 65', named(['CN', 'x'.repeat(65)]), /CN: .*64/],
    ['NUL', named(['CN', 'a\0']), /U\+0000/],
    ['a right-to-left override', named(['CN', '\u202ea']), /U\+202E/],
    ['a lone surrogate', named(['CN', 'a\ud800']), /U\+D800/],
    ['an umlaut in DC', named(['DC', 'ä']), /outside ASCII/],
    ['an asterisk in serialNumber', named(['serialNumber', '*']), /outside PrintableString/],
    ['a type twice', named(['CN', 'a'], ['CN', 'b']), /occurs twice/],
    ['a type twice, once dotted', named(['CN', 'a'], ['2.5.4.3', 'b']), /occurs twice/],
    ['a dotted type past its bound', named(['2.5.4.3', 'x'.repeat(65)]), /CN: .*64/],
    ['an unknown type', named(['XX', 'a']), /XX: is neither/],
    ['a name from Object.prototype', named(['constructor', 'a']), /constructor: is neither/],
    ['an impossible type', named(['1.99', 'a']), /1\.99: is neither/],
    [
      'somebody else’s multi-valued RDN',
      { attributes: [{ type: 'CN', value: 'a', sameRdn: true }] },
      /shares its RDN/,
    ],
  ])('C5: %s is not written', (_name, name, message) => {
    expect(() => writeName(name)).toThrow(NameError);
    expect(() => writeName(name)).toThrow(message);
  });

  test('what is written is read back as it was', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
    const subset = fc.subarray(['CN', 'O', 'OU', 'L', 'ST', 'street', '2.5.4.12', '1.2.3']);
    fc.assert(
      fc.property(subset, fc.array(value, { minLength: 8, maxLength: 8 }), (types, values) => {
        const name = named(...types.map((type, index): Pair => [type, values[index] ?? 'x']));
        let der: Uint8Array;
        try {
          der = writeName(name);
        } catch (error) {
          expect(error).toBeInstanceOf(NameError);
          return;
        }
        expect(readName(over(der))).toEqual(name);
        expect(readForeignName(over(der))).toEqual(name);
      }),
      { numRuns: 500 },
    );
  });
});

describe('attributeValue', () => {
  const name = named(['CN', 'a'], ['OU', 'x'], ['OU', 'y'], ['O', 'b']);
  test.each<[string, string | undefined]>([
    ['CN', 'a'],
    ['O', 'b'],
    ['C', undefined],
    ['OU', undefined],
  ])('%s is %s', (type, value) => {
    expect(attributeValue(name, type)).toBe(value);
  });
});

describe('text (RFC 4514)', () => {
  test.each<[string, Pair[], string]>([
    [
      'last RDN first',
      [
        ['C', 'DE'],
        ['O', 'Ltd'],
        ['CN', 'x'],
      ],
      'CN=x,O=Ltd,C=DE',
    ],
    ['no RDN', [], ''],
    ['special characters', [['CN', 'a"+,;<>\\b']], 'CN=a\\"\\+\\,\\;\\<\\>\\\\b'],
    ['an equals sign stays', [['CN', 'a=b']], 'CN=a=b'],
    ['leading number sign', [['CN', '#a#']], 'CN=\\#a#'],
    ['spaces at both ends', [['CN', ' a b ']], 'CN=\\ a b\\ '],
    ['one space', [['CN', ' ']], 'CN=\\ '],
    ['two spaces', [['CN', '  ']], 'CN=\\ \\ '],
    ['a backslash before a last space', [['CN', '\\ ']], 'CN=\\\\\\ '],
    ['NUL', [['CN', 'a\0b']], 'CN=a\\00b'],
    ['an escape sequence of a terminal', [['CN', '\x1b[31m']], 'CN=\\1b[31m'],
    ['a right-to-left override', [['CN', 'a\u202eb']], 'CN=a\\e2\\80\\aeb'],
    ['letters stay as they are', [['CN', 'Säule 電']], 'CN=Säule 電'],
  ])('%s', (_name, pairs, text) => {
    expect(nameText(named(...pairs))).toBe(text);
  });
});

describe('comparison (RFC 5280 7.1)', () => {
  test.each<[string, Pair[], Pair[]]>([
    ['case', [['CN', 'Foo']], [['CN', 'foo']]],
    ['white space at the end', [['CN', 'Foo ']], [['CN', 'foo']]],
    ['white space inside', [['CN', 'a  b']], [['CN', 'a b']]],
    ['other white space', [['CN', 'a\u00a0\tb']], [['CN', 'a b']]],
    ['compatibility forms', [['CN', 'ＦＯＯ']], [['CN', 'foo']]],
    ['normalization', [['CN', 'a\u0308']], [['CN', 'Ä']]],
    ['sharp s', [['CN', 'Straße']], [['CN', 'STRASSE']]],
    ['capital sharp s', [['CN', 'STRAẞE']], [['CN', 'strasse']]],
    ['final sigma', [['CN', 'ΟΔΟΣ']], [['CN', 'οδος']]],
    ['invisible characters', [['CN', 'a\u200bb\u00ad']], [['CN', 'ab']]],
    ['short and dotted type', [['CN', 'a']], [['2.5.4.3', 'a']]],
  ])('C5: %s makes no difference', (_name, a, b) => {
    expect(canonicalName(named(...a))).toBe(canonicalName(named(...b)));
    expect(sameName(named(...a), named(...b))).toBe(true);
  });

  test.each<[string, DistinguishedName, DistinguishedName]>([
    ['the value', named(['CN', 'a']), named(['CN', 'b'])],
    ['the type', named(['CN', 'a']), named(['O', 'a'])],
    ['the order', named(['CN', 'a'], ['O', 'b']), named(['O', 'b'], ['CN', 'a'])],
    ['the number', named(['CN', 'a']), named(['CN', 'a'], ['O', 'b'])],
    ['a space inside a word', named(['CN', 'a b']), named(['CN', 'ab'])],
    ['a value that looks like two', named(['CN', 'a"],["O","b']), named(['CN', 'a'], ['O', 'b'])],
    [
      'the grouping into RDNs',
      named(['CN', 'a'], ['O', 'b']),
      {
        attributes: [
          { type: 'CN', value: 'a' },
          { type: 'O', value: 'b', sameRdn: true },
        ],
      },
    ],
  ])('%s makes a difference', (_name, a, b) => {
    expect(sameName(a, b)).toBe(false);
  });

  test('two names are the same where their keys are', () => {
    const value = fc.constantFrom('a', 'A ', 'b', 'ä', 'a\u0308', '"],["O","a');
    const type = fc.constantFrom('CN', '2.5.4.3', 'O');
    const attribute = fc.oneof(
      fc.record({ type, value }),
      fc.record({ type, value, sameRdn: fc.constant(true as const) }),
    );
    const name = fc.record({ attributes: fc.array(attribute, { maxLength: 3 }) });
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(sameName(a, b)).toBe(canonicalName(a) === canonicalName(b));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  test('C5: every character is a twin of its upper and lower case and normal forms', () => {
    const key = (text: string) => canonicalName(named(['CN', `x${text}y`]));
    const apart: string[] = [];
    for (let codePoint = 0x20; codePoint < 0x11_0000; codePoint++) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      const one = String.fromCodePoint(codePoint);
      const others = [one.toLowerCase(), one.toUpperCase(), one.normalize('NFKD')];
      const differs = others.some((other) => other !== one && key(other) !== key(one));
      if (differs) apart.push(`U+${codePoint.toString(16)}`);
    }
    expect(apart).toEqual([]);
  });

  test('upper and lower case of any text are twins', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const key = canonicalName(named(['CN', value.normalize('NFKC')]));
        expect(canonicalName(named(['CN', ` ${value}  `]))).toBe(key);
        expect(canonicalName(named(['CN', value.normalize('NFD')]))).toBe(key);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~À-ÖØ-öø-ÿ]*$/), (value) => {
        const key = canonicalName(named(['CN', value]));
        expect(canonicalName(named(['CN', value.toUpperCase()]))).toBe(key);
        expect(canonicalName(named(['CN', value.toLowerCase()]))).toBe(key);
      }),
      { numRuns: 300 },
    );
  });
});
