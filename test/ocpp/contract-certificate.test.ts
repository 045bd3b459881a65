import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ocppVersions } from '../../src/ocpp/certificate-types.ts';
import {
  contractCertificateAnswer,
  readContractCertificateRequest,
  sizeWarnings,
} from '../../src/ocpp/contract-certificate.ts';
import { fromHex, readVector } from '../support/vectors.ts';

const { exiHex, exiBase64 } = readVector('iso2-install-2subs').request;
const exi = fromHex(exiHex);
const sound = {
  iso15118SchemaVersion: 'urn:iso:15118:2:2013:MsgDef',
  action: 'Install',
  exiRequest: exiBase64 as string,
};
const sound20 = {
  ...sound,
  iso15118SchemaVersion: 'urn:iso:std:iso:15118:-20:CommonMessages',
  maximumContractCertificateChains: 3,
  prioritizedEMAIDs: ['DE8AAC01234567', 'de-8aa-c01234568'],
};

/** `code field` of everything that is wrong. */
function faults(input: unknown, version = ocppVersions[2] as (typeof ocppVersions)[number]) {
  const read = readContractCertificateRequest(input, version);
  return read.ok ? [] : read.problems.map(({ code, field }) => `${code} ${field}`);
}
/** Base64 of so many characters, a multiple of four. */
const base64 = (characters: number) => Buffer.alloc((characters / 4) * 3, 0xa5).toString('base64');

describe('M01 M02 reading Get15118EVCertificate', () => {
  test.each(ocppVersions)('of OCPP %s', (version) => {
    expect(readContractCertificateRequest(sound, version)).toEqual({
      ok: true,
      value: {
        standard: 'iso15118-2',
        schemaVersion: 'urn:iso:15118:2:2013:MsgDef',
        action: 'Install',
        exiRequest: exi,
      },
    });
  });

  test('as 1.6 sends it, JSON in a string', () => {
    const inner = JSON.stringify({ ...sound, action: 'Update' });
    expect(readContractCertificateRequest(inner, '1.6')).toMatchObject({
      ok: true,
      value: { action: 'Update', exiRequest: exi },
    });
    expect(faults('{', '1.6')).toEqual(['field-invalid ']);
    expect(faults('"{}"', '1.6')).toEqual(['field-invalid ']);
    expect(faults(`{"a":"${'x'.repeat(20_000)}"}`, '1.6')).toEqual(['field-invalid ']);
  });

  test('with what 2.1 has for ISO 15118-20', () => {
    expect(readContractCertificateRequest(sound20, '2.1')).toMatchObject({
      ok: true,
      value: {
        standard: 'iso15118-20',
        maximumContractCertificateChains: 3,
        prioritizedEmaids: ['DE8AAC01234567', 'de-8aa-c01234568'],
      },
    });
    const none = readContractCertificateRequest({ ...sound20, prioritizedEMAIDs: [] }, '2.1');
    expect(none.ok && 'prioritizedEmaids' in none.value).toBe(false);
  });

  test.each([
    ['urn:iso:15118:2:2013:MsgDef', 'iso15118-2'],
    ['urn:iso:15118:20:2022:MsgDef', 'iso15118-20'],
    ['urn:iso:15118:20:2020:MsgDef', 'iso15118-20'],
    ['urn:iso:std:iso:15118:-20:CommonMessages', 'iso15118-20'],
  ])('%s is %s', (iso15118SchemaVersion, standard) => {
    const read = readContractCertificateRequest({ ...sound, iso15118SchemaVersion });
    expect(read).toMatchObject({ ok: true, value: { standard } });
  });

  test.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['field-invalid ']],
    ['null', null, ['field-invalid ']],
    ['a list', [sound], ['field-invalid ']],
    [
      'nothing in it',
      {},
      ['field-missing iso15118SchemaVersion', 'field-missing action', 'field-missing exiRequest'],
    ],
    [
      'everything wrong',
      {
        iso15118SchemaVersion: 'urn:din:70121:2012:MsgDef',
        action: 'install',
        exiRequest: 'a',
        maximumContractCertificateChains: -1,
        prioritizedEMAIDs: 'DE8AAC01234567',
      },
      [
        'schema-version-unknown iso15118SchemaVersion',
        'field-invalid action',
        'field-invalid exiRequest',
        'field-invalid maximumContractCertificateChains',
        'field-invalid prioritizedEMAIDs',
      ],
    ],
    [
      'other types',
      { iso15118SchemaVersion: 2, action: 1, exiRequest: null },
      ['field-invalid iso15118SchemaVersion', 'field-invalid action', 'field-invalid exiRequest'],
    ],
    [
      'a namespace that is too long',
      { ...sound, iso15118SchemaVersion: 'x'.repeat(51) },
      ['field-too-long iso15118SchemaVersion'],
    ],
    ['no octets', { ...sound, exiRequest: '' }, ['field-invalid exiRequest']],
    ['url-safe base64', { ...sound, exiRequest: 'gJ-_' }, ['field-invalid exiRequest']],
    ['no padding', { ...sound, exiRequest: 'gJgCBA' }, ['field-invalid exiRequest']],
    ['stray bits', { ...sound, exiRequest: 'gJgCBB==' }, ['field-invalid exiRequest']],
    ['a line break', { ...sound, exiRequest: 'gJgC\ngJgC' }, ['field-invalid exiRequest']],
    ['hex', { ...sound, exiRequest: '809802040' }, ['field-invalid exiRequest']],
    [
      'half a chain',
      { ...sound20, maximumContractCertificateChains: 1.5 },
      ['field-invalid maximumContractCertificateChains'],
    ],
    [
      'nine EMAIDs',
      { ...sound20, prioritizedEMAIDs: Array(9).fill('DE8AAC01234567') },
      ['field-too-long prioritizedEMAIDs'],
    ],
    [
      'an EMAID that is too long',
      { ...sound20, prioritizedEMAIDs: ['x'.repeat(256)] },
      ['field-invalid prioritizedEMAIDs'],
    ],
    [
      'an EMAID of nothing',
      { ...sound20, prioritizedEMAIDs: [''] },
      ['field-invalid prioritizedEMAIDs'],
    ],
  ])('%s', (_, input, expected) => expect(faults(input)).toEqual(expected));

  test.each([
    ['1.6', 5_600],
    ['2.0.1', 5_600],
    ['2.1', 11_000],
  ] as const)('OCPP %s allows %i characters', (version, limit) => {
    expect(faults({ ...sound, exiRequest: base64(limit) }, version)).toEqual([]);
    expect(faults({ ...sound, exiRequest: base64(limit + 4) }, version)).toEqual([
      'field-too-long exiRequest',
    ]);
  });

  test('where nobody names the version, the widest limit holds', () => {
    const read = (characters: number) =>
      readContractCertificateRequest({ ...sound, exiRequest: base64(characters) }).ok;
    expect([read(11_000), read(11_004)]).toEqual([true, false]);
  });

  test('no JSON throws', () => {
    const member = fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(sound20)));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.string({ unit: 'binary' }),
          fc.record(
            {
              iso15118SchemaVersion: member,
              action: member,
              exiRequest: member,
              maximumContractCertificateChains: member,
              prioritizedEMAIDs: member,
            },
            { requiredKeys: [] },
          ),
        ),
        fc.constantFrom(...ocppVersions, undefined),
        (input, version) => {
          const read = readContractCertificateRequest(input, version);
          expect(read.ok || read.problems.length > 0).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('the answer', () => {
  test('has EXI even where there is none', () => {
    expect(contractCertificateAnswer('Accepted', exi)).toEqual({
      status: 'Accepted',
      exiResponse: sound.exiRequest,
    });
    expect(contractCertificateAnswer('Failed')).toEqual({ status: 'Failed', exiResponse: '' });
    expect(contractCertificateAnswer('Failed', exi).exiResponse).toBe(sound.exiRequest);
    expect(contractCertificateAnswer('Accepted', exi, 0)).toHaveProperty('remainingContracts', 0);
  });

  const over = (characters: number, version?: (typeof ocppVersions)[number]) =>
    sizeWarnings({ exiResponse: base64(characters) }, version).map(
      ({ ocppVersion, limit, characters: found }) => `${ocppVersion} ${limit} ${found}`,
    );

  test.each([
    ['1.6', 5_600],
    ['2.0.1', 5_600],
    ['2.1', 17_000],
  ] as const)('is held against what OCPP %s allows', (version, limit) => {
    expect(over(limit, version)).toEqual([]);
    expect(over(limit + 4, version)).toEqual([`${version} ${limit} ${limit + 4}`]);
  });

  test('is held against all versions where nobody names one', () => {
    expect(over(5_600)).toEqual([]);
    expect(over(5_888)).toEqual(['1.6 5600 5888', '2.0.1 5600 5888']);
    expect(over(17_004)).toHaveLength(3);
  });
});
