import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namesRoot } from '../../src/iso15118/root-certificate-ids.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { utf8String } from '../../src/pki/der-writer.ts';
import { lookalikeSet } from '../../src/pki/name-readings.ts';
import {
  type DistinguishedName,
  folded,
  type NameAttribute,
  nameText,
} from '../../src/pki/names.ts';
import { attributeTypes } from '../../src/pki/oids.ts';
import { fromHex, readVector, vectorNames } from '../support/vectors.ts';

const SERIAL = 0x4a4b0f5cefb6f956d7e23b2da61f0195n;

type Pair = readonly [type: string, value: string];
const rootOf = (pairs: readonly Pair[], serial = '4a4b0f5cefb6f956d7e23b2da61f0195') => ({
  serialNumber: fromHex(serial),
  issuer: { attributes: pairs.map(([type, value]) => ({ type, value })) },
});
const demo = rootOf([
  ['C', 'DE'],
  ['O', 'Test Org, Inc'],
  ['CN', 'V2G Root'],
  ['DC', 'V2G'],
]);
const named = (issuerName: string, root = demo, serialNumber = SERIAL) =>
  namesRoot({ issuerName, serialNumber }, root);

describe('the vectors', () => {
  const requests = vectorNames('iso2')
    .map((name) => [name, readVector(name)] as const)
    .filter(([, vector]) => vector.request?.rootCertificateIds && vector.pki);

  test('there are some', () => expect(requests.length).toBeGreaterThan(5));

  test.each(requests)('%s names its root, and nothing else does', (_, vector) => {
    const root = readCertificate(fromHex(vector.pki.v2gRoot.certDerHex));
    const ids = vector.request.rootCertificateIds.map(
      ({ issuerName, serialDec }: { issuerName: string; serialDec: string }) => ({
        issuerName,
        serialNumber: BigInt(serialDec),
      }),
    );
    // One of them has made-up numbers.
    const expected = vector.request.rootCertificateIds.map(
      ({ serialHex }: { serialHex: string }) =>
        serialHex === Buffer.from(root.serialNumber).toString('hex'),
    );
    expect(
      ids.map((id: { issuerName: string; serialNumber: bigint }) => namesRoot(id, root)),
    ).toEqual(expected);
    const [{ issuerName }] = ids;
    const serialNumber = BigInt(`0x${Buffer.from(root.serialNumber).toString('hex')}`);
    expect(namesRoot({ issuerName, serialNumber }, root)).toBe(true);
    expect(namesRoot({ issuerName, serialNumber: serialNumber + 1n }, root)).toBe(false);
  });
});

describe('forms of one name', () => {
  test.each([
    ['RFC 4514', String.raw`DC=V2G,CN=V2G Root,O=Test Org\, Inc,C=DE`],
    ['in the order of the encoding', String.raw`C=DE,O=Test Org\, Inc,CN=V2G Root,DC=V2G`],
    ['a comma as hex', String.raw`DC=V2G,CN=V2G Root,O=Test Org\2C Inc,C=DE`],
    ['semicolons and spaces', String.raw`DC=V2G ; CN=V2G Root ; O=Test Org\, Inc ; C=DE`],
    ['quoted (RFC 1779)', 'C=DE, O="Test Org, Inc", CN=V2G Root, DC=V2G'],
    ['everything quoted', 'C="DE",O="Test Org, Inc" , CN="V2G Root",DC="V2G"'],
    ['OpenSSL with spaces', 'C = DE, O = "Test Org, Inc", CN = V2G Root, DC = V2G'],
    ['OpenSSL with slashes', '/C=DE/O=Test Org, Inc/CN=V2G Root/DC=V2G'],
    ['a comma that nobody escaped', 'C=DE, O=Test Org, Inc, CN=V2G Root, DC=V2G'],
    ['several in an RDN', String.raw`DC=V2G+CN=V2G Root,O=Test Org\, Inc+C=DE`],
    ['several in an RDN, spaced', 'C = DE + O = "Test Org, Inc", CN = V2G Root + DC = V2G'],
    [
      'long names',
      'countryName=DE,organizationName=Test Org\\, Inc,commonName=V2G Root,domainComponent=V2G',
    ],
    [
      'OIDs',
      '2.5.4.6=DE,2.5.4.10=Test Org\\, Inc,OID.2.5.4.3=V2G Root,oid.0.9.2342.19200300.100.1.25=V2G',
    ],
    ['lower case', 'dc=v2g,cn=v2g root,o=test org\\, inc,c=de'],
    ['more space than there is', 'DC=V2G,CN=V2G   Root,O=Test  Org\\, Inc ,C=DE'],
    [
      'a value as the hex of its DER',
      'DC=#1603563247,CN=V2G Root,O=#0c0d54657374204f72672c20496e63,C=DE',
    ],
  ])('%s', (_, text) => expect(named(text)).toBe(true));

  test.each([
    ['another serial number', 'DC=V2G,CN=V2G Root,O=Test Org\\, Inc,C=DE', SERIAL + 1n],
    ['the serial number with its sign lost', 'DC=V2G,CN=V2G Root,O=Test Org\\, Inc,C=DE', -SERIAL],
    ['an attribute less', 'CN=V2G Root,O=Test Org\\, Inc,C=DE', SERIAL],
    ['an attribute more', 'DC=V2G,CN=V2G Root,O=Test Org\\, Inc,C=DE,OU=x', SERIAL],
    ['an attribute twice', 'DC=V2G,DC=V2G,CN=V2G Root,O=Test Org\\, Inc,C=DE', SERIAL],
    ['another value', 'DC=V2G,CN=V2G Root 2,O=Test Org\\, Inc,C=DE', SERIAL],
    ['another type', 'DC=V2G,OU=V2G Root,O=Test Org\\, Inc,C=DE', SERIAL],
    ['an unknown type', 'DC=V2G,CN=V2G Root,O=Test Org\\, Inc,XX=DE', SERIAL],
    ['values of one another', 'DC=V2G Root,CN=V2G,O=Test Org\\, Inc,C=DE', SERIAL],
    ['nothing', '', SERIAL],
    ['no name', 'V2G Root', SERIAL],
    ['half a name', 'CN', SERIAL],
    ['slashes alone', '////', SERIAL],
  ])('%s is another', (_, text, serial) => expect(named(text, demo, serial)).toBe(false));

  test('serial numbers are integers: leading zeros, the sign, 20 octets', () => {
    const pairs: Pair[] = [['CN', 'x']];
    expect(named('CN=x', rootOf(pairs, '00ff'), 255n)).toBe(true);
    expect(named('CN=x', rootOf(pairs, 'ff'), -1n)).toBe(true);
    expect(named('CN=x', rootOf(pairs, 'ff'), 255n)).toBe(false);
    expect(named('CN=x', rootOf(pairs, '00'), 0n)).toBe(true);
    expect(named('CN=x', rootOf(pairs, `7f${'ff'.repeat(19)}`), 2n ** 159n - 1n)).toBe(true);
  });

  test('letters of other scripts, as they are or as octets', () => {
    const root = rootOf([
      ['O', 'Übung & Söhne'],
      ['CN', 'Root "C" /1'],
    ]);
    for (const text of [
      'CN=Root "C" /1,O=Übung & Söhne',
      String.raw`CN=Root \"C\" /1,O=\C3\9Cbung & S\C3\B6hne`,
      String.raw`O = "\C3\9Cbung & S\C3\B6hne", CN = "Root \"C\" /1"`,
      'O="Übung & Söhne", CN="Root ""C"" /1"',
      String.raw`/O=\xC3\x9Cbung & S\xC3\xB6hne/CN=Root "C" /1`,
      // The octets of a TeletexString.
      String.raw`/O=\xDCbung & S\xF6hne/CN=Root "C" \/1`,
      // Decomposed, as some file systems and input methods have it.
      'CN=Root "C" /1,O=U\u0308bung & So\u0308hne',
    ]) {
      expect(named(text, root), text).toBe(true);
    }
  });
});

/** Escapes as RFC 4514 2.4 demands; `hex` as pairs of digits. */
const escaped = (value: string, hex: boolean): string =>
  value
    .replace(/["+,;<>\\=#]/g, (c) =>
      hex ? `\\${Buffer.from(c).toString('hex').toUpperCase()}` : `\\${c}`,
    )
    .replace(/^ | $/g, '\\ ');
const octets = (value: string, prefix: string): string =>
  value.replace(/[^ -~]+/gu, (run) =>
    Buffer.from(run, 'utf8')
      .toString('hex')
      .replace(/../g, (pair) => `${prefix}${pair}`),
  );

const oids: Readonly<Record<string, string>> = attributeTypes;
const longNames: Readonly<Record<string, string>> = {
  CN: 'commonName',
  O: 'organizationName',
  OU: 'organizationalUnitName',
  C: 'countryName',
  DC: 'domainComponent',
  L: 'localityName',
  ST: 'stateOrProvinceName',
  street: 'streetAddress',
  emailAddress: 'E',
  serialNumber: 'SERIALNUMBER',
};
const nameOf = (type: string, how: number): string => {
  const dotted = oids[type] ?? type;
  return [type, longNames[type] ?? type, dotted, `OID.${dotted}`, type.toLowerCase()][how] ?? type;
};

type Written = (attributes: readonly NameAttribute[], how: number) => string;
const forms: Readonly<Record<string, Written>> = {
  'as evpki shows it': (attributes) => nameText({ attributes }),
  'RFC 4514': (attributes, how) =>
    attributes
      .map(({ type, value }) => `${nameOf(type, how)}=${escaped(value, false)}`)
      .reverse()
      .join(','),
  'RFC 4514 in hex': (attributes, how) =>
    attributes
      .map(({ type, value }) => `${nameOf(type, how)}=${octets(escaped(value, true), '\\')}`)
      .join(', '),
  'RFC 4514 with several in an RDN': (attributes, how) =>
    attributes.map(({ type, value }) => `${nameOf(type, how)}=${escaped(value, false)}`).join('+'),
  'the DER of every value': (attributes, how) =>
    attributes
      .map(
        ({ type, value }) =>
          `${nameOf(type, how)}=#${Buffer.from(utf8String(value)).toString('hex')}`,
      )
      .join(','),
  quoted: (attributes, how) =>
    attributes
      .map(({ type, value }) => `${nameOf(type, how)} = "${value.replace(/["\\]/g, '\\$&')}"`)
      .join(', '),
  'quoted as on Windows': (attributes, how) =>
    attributes
      .map(({ type, value }) => `${nameOf(type, how)}="${value.replace(/"/g, '""')}"`)
      .join('; '),
  'with slashes': (attributes, how) =>
    attributes.map(({ type, value }) => `/${nameOf(type, how)}=${value}`).join(''),
  'with slashes in octets': (attributes, how) =>
    attributes.map(({ type, value }) => `/${nameOf(type, how)}=${octets(value, '\\x')}`).join(''),
};

/** What a form cannot say without meaning something else, too. */
const unsayable: Readonly<Record<string, RegExp>> = {
  'quoted as on Windows': /\\/,
  // OpenSSL itself writes a value with this as it would write two values.
  'with slashes': /[/+][^/+]*=/,
  'with slashes in octets': /[/+][^/+]*=|\\x/,
};

describe('any name', () => {
  const character = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.constantFrom(...'",+;<>\\=#/ ') },
  );
  const value = fc
    .array(character, { minLength: 1, maxLength: 20 })
    .map((characters) => characters.join(''))
    // It says something: what folds to nothing is the same as any other of its kind.
    .filter((text) => folded(text) !== '');
  const type = fc.constantFrom(...Object.keys(attributeTypes), '2.5.4.97', '1.3.6.1.4.1.99999.1');
  const attributes = fc.array(fc.record({ type, value }), { minLength: 1, maxLength: 8 });

  const anyForm = fc.constantFrom(...Object.keys(forms));
  const sayable = (form: string, written: readonly NameAttribute[]) =>
    written.every(({ value: text }) => !unsayable[form]?.test(text));

  test('is recognized in every form, in any order', () => {
    fc.assert(
      fc.property(
        attributes.chain((all) =>
          fc.record({
            all: fc.constant(all),
            shuffled: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
            how: fc.nat(4),
            form: anyForm.filter((form) => sayable(form, all)),
          }),
        ),
        ({ all, shuffled, how, form }) => {
          const text = forms[form]?.(shuffled, how) ?? '';
          const root = { serialNumber: fromHex('11'), issuer: { attributes: all } };
          expect(namesRoot({ issuerName: text, serialNumber: 17n }, root), text).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('is not taken for another', () => {
    const key = (all: readonly NameAttribute[]) =>
      all
        .map((one) => `${oids[one.type] ?? one.type}=${folded(one.value)}`)
        .sort()
        .join('\n');
    fc.assert(
      fc.property(
        attributes,
        fc.nat(20),
        value,
        type,
        fc.nat(4),
        anyForm,
        (all, index, otherValue, otherType, how, form) => {
          const at = index % all.length;
          const changed = all.map((one, i) => (i === at ? { ...one, value: otherValue } : one));
          const retyped = all.map((one, i) => (i === at ? { ...one, type: otherType } : one));
          const shorter = all.filter((_, i) => i !== at);
          const longer = [...all, { type: otherType, value: otherValue }];
          const root = { serialNumber: fromHex('11'), issuer: { attributes: all } };
          for (const other of [changed, retyped, shorter, longer]) {
            if (key(other) === key(all) || !sayable(form, other)) continue;
            const text = forms[form]?.(other, how) ?? '';
            expect(namesRoot({ issuerName: text, serialNumber: 17n }, root), text).toBe(false);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('text of any kind throws nothing and takes no time', () => {
    const piece = fc.oneof(
      fc.constantFrom('CN=', ',', '/', '"', '\\', '=', '#', '+', ' ', '\\x', '#0c', ',C=', '/O='),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const id = { issuerName: pieces.join(''), serialNumber: 17n };
        namesRoot(id, { serialNumber: fromHex('11'), issuer: demo.issuer });
      }),
      { numRuns: 1_000 },
    );
    const began = performance.now();
    for (const unit of [
      'CN="',
      ', ',
      ',CN',
      '/',
      '\\',
      'CN=x,',
      '#',
      ',a ',
      'CN="\\',
      '/CN=+',
      'é',
    ]) {
      for (const length of [4_096, 100_000, 5_000_000]) {
        named(unit.repeat(Math.ceil(length / unit.length)).slice(0, length));
      }
    }
    // Loose: it is milliseconds, and minutes where something is not linear.
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test('is the same when it is asked again, however it was written before', () => {
    const root = rootOf([['CN', 'Root 1']]);
    const other = rootOf([['CN', 'Root 2']]);
    const texts = Array.from({ length: 100 }, (_, spaces) => `CN=${' '.repeat(spaces)}Root 1`);
    for (const _ of ['once', 'again']) {
      expect(texts.filter((text) => !named(text, root))).toEqual([]);
      expect(texts.filter((text) => named(text, other))).toEqual([]);
      expect(named(texts[0] ?? '', root, SERIAL + 1n)).toBe(false);
    }
  });

  test('a name longer than any is none', () => {
    const long = 'x'.repeat(4_096 - 'CN='.length);
    expect(named(`CN=${long}`, rootOf([['CN', long]]))).toBe(true);
    expect(named(`CN= ${long}`, rootOf([['CN', long]]))).toBe(false);
    const many = Array.from({ length: 64 }, (): Pair => ['OU', 'x']);
    const text = (count: number) => Array.from({ length: count }, () => 'OU=x').join(',');
    expect(named(text(64), rootOf(many))).toBe(true);
    expect(named(text(65), rootOf([...many, ['OU', 'x']]))).toBe(false);
  });
});

describe('names that one text may mean', () => {
  const values = [
    ...[
      'a',
      'A',
      'a\\',
      '\\a',
      '"a"',
      'a"b',
      'a, b',
      'a\\, b',
      'a\\2C b',
      '"a, b"',
      'a+b',
      'a\\+b',
    ],
    ...['a/b', 'a\\/b', 'a\\\\/b', '\u00fc', '\\xC3\\xBC', '\\C3\\BC', '#0c0161', '\\#0c0161'],
    ...['a,O=b', 'a\\,O=b', 'a/O=b', 'a\\/O=b', 'a;O=b', ' a ', '\\ a'],
  ];
  const names = values.flatMap((value) => [
    { attributes: [{ type: 'CN', value }] },
    { attributes: ['CN', 'O'].map((type) => ({ type, value: type === 'CN' ? value : 'b' })) },
  ]);
  const serialNumber = new Uint8Array([5]);
  const numbered = (issuer: DistinguishedName) => ({ serialNumber, issuer });
  /** As different software would write it. */
  const textsOf = (name: DistinguishedName): string[] => {
    const written = (change: (value: string) => string) =>
      name.attributes.map(({ type, value }) => `${type}=${change(value)}`);
    const plain = written((value) => value);
    const octets = (value: string) =>
      value.replace(/[^ -~]/gu, (one) =>
        Buffer.from(one).toString('hex').toUpperCase().replace(/../g, '\\x$&'),
      );
    return [
      ...[nameText(name), plain.join(','), ['', ...plain].join('/')],
      written((value) => `"${value.replaceAll('"', '""')}"`).join(', '),
      ['', ...written((value) => octets(value).replace(/[/+\\]/g, '\\$&'))].join('/'),
      ['', ...written(octets)].join('/'),
    ];
  };

  test('are lookalikes', () => {
    const pairs = new Set<string>();
    for (const issuerName of names.flatMap(textsOf)) {
      const meant = names.filter((name) =>
        namesRoot({ serialNumber: 5n, issuerName }, numbered(name)),
      );
      for (const one of meant) {
        for (const other of meant) {
          expect(lookalikeSet(one), issuerName).toBe(lookalikeSet(other));
          if (one !== other) pairs.add(`${nameText(one)} ${nameText(other)}`);
        }
      }
    }
    expect(pairs.size).toBeGreaterThan(50);
  });

  test('are no other ones', () => {
    const sets = ['a', 'b', 'a b', 'a, b', 'ab', '\u00fc', 'a,O=b', 'a,X=b', '#04', ''].map(
      (value) => lookalikeSet({ attributes: [{ type: 'CN', value }] }),
    );
    expect(new Set(sets).size).toBe(sets.length);
    // More than is read as text, and types that have no name.
    const long = Array.from({ length: 64 }, () => ({ type: 'OU', value: 'x'.repeat(80) }));
    const names = ['a', 'b'].map((value) => [...long, { type: '1.2.3', value }]);
    const [one, other] = names.map((attributes) => lookalikeSet({ attributes }));
    expect(one).not.toBe(other);
  });
});
