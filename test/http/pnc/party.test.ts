import { describe, expect, test } from 'vitest';
import { callingParty } from '../../../src/http/pnc/party.ts';
import { ServiceError } from '../../../src/services/errors.ts';

const from = (type?: string, id?: string) => ({
  ...(type === undefined ? {} : { 'opnc-from-party-type': type }),
  ...(id === undefined ? {} : { 'opnc-from-party-id': id }),
});
const root = '4e05b8922d43923cdf20b202cdd0d849770b50038c39f104f506d7f1030ff809';

const fieldsOf = (headers: Record<string, string>): (string | undefined)[] => {
  try {
    callingParty(headers);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect(error.code).toBe('request-malformed');
    return error.violations.map((one) => (one as { field?: string }).field);
  }
  return [];
};

describe('the party in whose name somebody calls', () => {
  test.each([
    [from(), undefined],
    [from('cpo'), { type: 'cpo' }],
    [from('cpo', 'DEICE'), { type: 'cpo', id: 'DEICE' }],
    [from('cpo', 'de*ice'), { type: 'cpo', id: 'DEICE' }],
    [from('cpo', 'ICE'), { type: 'cpo', id: 'ICE' }],
    [from('emsp', 'DE-8EV'), { type: 'emsp', id: 'DE8EV' }],
    [from('oem', 'wvw'), { type: 'oem', id: 'WVW' }],
    [from('pki', root), { type: 'pki', id: root.toUpperCase() }],
    [from('cps', root), { type: 'cps', id: root.toUpperCase() }],
    [from('pcp', 'pool.example:1'), { type: 'pcp', id: 'POOL.EXAMPLE:1' }],
    // To whom it wants to speak is no matter of who it is.
    [{ 'opnc-to-party-type': 'ccp', 'opnc-to-party-id': 'x' }, undefined],
  ])('%j', (headers, party) => {
    expect(callingParty(headers)).toEqual(party);
  });

  test.each([
    ['CPO', undefined],
    ['mo', undefined],
    ['', undefined],
    ['cpo, cpo', undefined],
    ['__proto__', undefined],
    ['cpo', ''],
    ['cpo', 'DEICES'],
    ['cpo', 'DE*ICE*E1'],
    ['cpo', 'DEICE, DEXYZ'],
    ['cpo', '12ICE'],
    ['emsp', 'DE8EV\u0000'],
    ['emsp', 'DE8EV\n'],
    ['oem', 'DEICE'],
    ['oem', 'W'],
    ['pki', root.slice(1)],
    ['pki', `${root}0`],
    ['cps', 'DEICE'],
    ['ccp', "' OR 1=1 --"],
    ['ccp', 'x'.repeat(65)],
    [undefined, 'DEICE'],
  ])('is refused where it cannot be read: %j %j', (type, id) => {
    const part = type !== undefined && id === undefined ? 'type' : 'id';
    expect(fieldsOf(from(type, id))).toEqual([`headers.OPNC-from-party-${part}`]);
  });

  test('every header that cannot be read is named', () => {
    const headers = { ...from('x', 'y'), 'opnc-to-party-id': 'z' };
    expect(fieldsOf(headers)).toEqual(['headers.OPNC-from-party-type', 'headers.OPNC-to-party-id']);
  });
});
