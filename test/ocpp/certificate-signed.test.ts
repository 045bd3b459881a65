import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ChainPolicy,
  chainSizeFault,
  chainWarningText,
  MAX_CHAIN_SIZE,
  signedChain,
} from '../../src/ocpp/certificate-signed.ts';
import { writeName } from '../../src/pki/names.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  templateFor,
} from '../support/issuing.ts';

const rootKey = generateKey();
const subKey = generateKey();
const leafKey = generateKey();
const name = (text: string) => writeName(commonName(text));

const root = issue(
  templateFor(rootKey, rootKey, {
    subject: commonName('Root'),
    extensions: authorityExtensions(rootKey, rootKey),
  }),
  rootKey,
).der;
const sub = issue(
  templateFor(subKey, rootKey, {
    subject: commonName('Sub'),
    extensions: authorityExtensions(subKey, rootKey),
  }),
  rootKey,
).der;
const leaf = issue(templateFor(leafKey, subKey, { issuerName: name('Sub') }), subKey).der;
const cross = issue(
  templateFor(rootKey, subKey, { subject: commonName('Root'), issuerName: name('Other Root') }),
  subKey,
).der;

const pem = (...certificates: Uint8Array[]) =>
  certificates.map((der) => toPem('CERTIFICATE', der)).join('');
const short = pem(leaf, sub);
const long = pem(leaf, sub, root);
const chain = (policy?: ChainPolicy, certificates = [leaf, sub, root]) =>
  signedChain(certificates, policy);

describe('the chain for CertificateSigned', () => {
  test('is leaf and Sub-CAs, LF, and nothing else, unless the station says otherwise', () => {
    const sound = { certificateChain: short, warnings: [] };
    expect(chain()).toEqual(sound);
    expect(chain({})).toEqual(sound);
    expect(chain({ includeRoot: false })).toEqual(sound);
    expect(chain({}, [leaf, sub])).toEqual(sound);
    expect(short).toMatch(
      /^(-----BEGIN CERTIFICATE-----\n([\w+/=]{1,64}\n)+-----END CERTIFICATE-----\n){2}$/,
    );
    expect(readPemBlocks(short).map(({ der }) => der)).toEqual([leaf, sub]);
  });

  test('open-ocpp is sent the root as well', () => {
    expect(chain({ includeRoot: true })).toEqual({ certificateChain: long, warnings: [] });
  });

  test('what stands behind the root is none of it', () => {
    const behind = [leaf, sub, root, cross];
    expect(chain({}, behind).certificateChain).toBe(short);
    expect(chain({ includeRoot: true }, behind).certificateChain).toBe(long);
  });

  test('a root that nobody has is missed', () => {
    expect(chain({ includeRoot: true }, [leaf, sub])).toEqual({
      certificateChain: short,
      warnings: [{ code: 'root-unknown' }],
    });
  });

  test('of a root it is the root', () => {
    for (const includeRoot of [true, false]) {
      expect(chain({ includeRoot }, [root]).certificateChain).toBe(pem(root));
    }
  });

  test('of nothing it is nothing', () => {
    expect(chain({}, [])).toEqual({ certificateChain: '', warnings: [] });
  });

  test('a root for which there is no room is left out, and that is said', () => {
    const at = (maximumSize: number) => chain({ includeRoot: true, maximumSize });
    expect(at(long.length)).toEqual({ certificateChain: long, warnings: [] });
    const { length: characters } = long;
    for (const limit of [long.length - 1, short.length]) {
      expect(at(limit)).toEqual({
        certificateChain: short,
        warnings: [{ code: 'root-left-out', characters, limit }],
      });
    }
  });

  test('nothing else is left out: what is too long is whole, and said to be', () => {
    const limit = short.length - 1;
    const warning = { code: 'chain-too-long', limit, of: 'station' } as const;
    expect(chain({ maximumSize: short.length }).warnings).toEqual([]);
    expect(chain({ maximumSize: limit })).toEqual({
      certificateChain: short,
      warnings: [{ ...warning, characters: short.length }],
    });
    // To leave out the root would not help.
    expect(chain({ includeRoot: true, maximumSize: limit })).toEqual({
      certificateChain: long,
      warnings: [{ ...warning, characters: long.length }],
    });
    expect(chain({ includeRoot: true, maximumSize: limit }, [leaf, sub]).warnings).toEqual([
      { code: 'root-unknown' },
      { ...warning, characters: short.length },
    ]);
  });

  test('OCPP carries 10,000 characters, whatever a station says', () => {
    const many = [leaf, ...Array<Uint8Array>(20).fill(sub)];
    const { certificateChain, warnings } = signedChain(many);
    expect(certificateChain).toBe(pem(...many));
    expect(warnings).toEqual([
      { code: 'chain-too-long', characters: certificateChain.length, limit: 10_000, of: 'ocpp' },
    ]);
  });

  test('under any policy it begins with the leaf, is never cut, and never silently too long', () => {
    fc.assert(
      fc.property(
        fc.record(
          { includeRoot: fc.boolean(), maximumSize: fc.integer({ min: 500, max: MAX_CHAIN_SIZE }) },
          { requiredKeys: [] },
        ),
        fc.constantFrom([leaf], [leaf, sub], [leaf, sub, root], [leaf, root]),
        (policy, certificates) => {
          const { certificateChain, warnings } = signedChain(certificates, policy);
          const sent = readPemBlocks(certificateChain).map(({ der }) => der);
          const hasRoot = certificates.includes(root);
          const whole = certificates.filter((der) => der !== root);
          expect([whole, [...whole, root]]).toContainEqual(sent);
          const fits = certificateChain.length <= (policy.maximumSize ?? MAX_CHAIN_SIZE);
          expect(warnings.some(({ code }) => code === 'chain-too-long')).toBe(!fits);
          const asWanted = certificateChain.endsWith(pem(root)) === (policy.includeRoot === true);
          expect(warnings.some(({ code }) => code.startsWith('root-'))).toBe(!asWanted);
          if (!hasRoot) expect(sent).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a station takes', () => {
  test.each([500, 501, 4_000, 9_999, 10_000])('%i characters', (characters) => {
    expect(chainSizeFault(characters)).toBeUndefined();
  });

  test.each([
    ['a count of certificates, as shiv3 reports it', 4, /counts something else/],
    ['nothing', 0, /counts something else/],
    ['less than one certificate', 499, /counts something else/],
    ['less than nothing', -1, /counts something else/],
    ['more than OCPP carries', 10_001, /at most 10000/],
    ['no number', Number.NaN, /whole number/],
    ['half a character', 600.5, /whole number/],
  ])('not %s', (_, characters, told) => {
    expect(chainSizeFault(characters)).toMatch(told);
  });
});

test('warnings are sentences', () => {
  const sizes = { characters: 4_001, limit: 4_000 };
  expect(
    [
      { code: 'root-unknown' } as const,
      { code: 'root-left-out', ...sizes } as const,
      { code: 'chain-too-long', ...sizes, of: 'station' } as const,
      { code: 'chain-too-long', characters: 10_001, limit: 10_000, of: 'ocpp' } as const,
    ].map(chainWarningText),
  ).toEqual([
    'the station wants the root, which is not known here',
    'the root is left out: with it certificateChain has 4001 characters, and the station takes 4000',
    'certificateChain has 4001 characters; the station takes 4000',
    'certificateChain has 10001 characters; in OCPP it may have 10000',
  ]);
});
