import { describe, expect, test } from 'vitest';
import { StatusCache } from '../../src/services/status-cache.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 10, 0, seconds));
const answer = (from: number, until: number, name = 'der') => ({
  der: new TextEncoder().encode(name),
  thisUpdate: at(from),
  nextUpdate: at(until),
  says: 'good' as const,
});

describe('ready-signed answers in memory', () => {
  test('are found by issuer, serial number and the exact CertID', () => {
    const cache = new StatusCache();
    const ready = answer(0, 100);
    expect(cache.put('ca', '11', 'id', ready, 0)).toBe(true);
    expect(cache.find('ca', '11', 'id', at(1))).toBe(ready);
    expect(cache.find('ca', '11', 'other', at(1))).toBeUndefined();
    expect(cache.find('ca', '12', 'id', at(1))).toBeUndefined();
    expect(cache.find('other', '11', 'id', at(1))).toBeUndefined();
  });

  test.each([
    [0, true],
    [50, true],
    [51, false],
    [100, false],
    [101, false],
  ])(
    'O3 RFC 6960 2.4 are signed anew from half of their life on: after %i of 100 s',
    (age, found) => {
      const cache = new StatusCache();
      cache.put('ca', '11', 'id', answer(0, 100), 0);
      expect(cache.find('ca', '11', 'id', at(age)) !== undefined).toBe(found);
    },
  );

  test('O6 RFC 6960 4.2.2.1 are not given out before their thisUpdate', () => {
    const cache = new StatusCache();
    cache.put('ca', '11', 'id', answer(10, 100), 0);
    expect(cache.find('ca', '11', 'id', at(9))).toBeUndefined();
    expect(cache.find('ca', '11', 'id', at(10))).toBeDefined();
  });

  test('O5 a change takes every answer about the serial number, and no other', () => {
    const cache = new StatusCache();
    for (const id of ['sha1', 'sha256']) cache.put('ca', '11', id, answer(0, 100), 0);
    cache.put('ca', '12', 'sha1', answer(0, 100), 0);
    cache.evict('ca', '11');
    expect(cache.find('ca', '11', 'sha1', at(1))).toBeUndefined();
    expect(cache.find('ca', '11', 'sha256', at(1))).toBeUndefined();
    expect(cache.find('ca', '12', 'sha1', at(1))).toBeDefined();
  });

  test('O5 what was read before a change does not enter after it, whatever its serial', () => {
    const cache = new StatusCache();
    const before = cache.version('ca');
    cache.evict('ca', '11');
    for (const serial of ['11', '12']) {
      expect(cache.put('ca', serial, 'id', answer(0, 100), before)).toBe(false);
      expect(cache.find('ca', serial, 'id', at(1))).toBeUndefined();
    }
    expect(cache.put('ca', '11', 'id', answer(0, 100), cache.version('ca'))).toBe(true);
  });

  test('O3 everything of an issuer can be forgotten at once, and late answers stay out', () => {
    const cache = new StatusCache();
    const before = cache.version('ca');
    for (const serial of ['1', '2']) cache.put('ca', serial, 'id', answer(0, 100), 0);
    cache.put('ca2', '1', 'id', answer(0, 100), 0);
    cache.evictIssuer('ca');
    expect(cache.size).toBe(1);
    expect(cache.find('ca2', '1', 'id', at(1))).toBeDefined();
    expect(cache.put('ca', '1', 'id', answer(0, 100), before)).toBe(false);
  });

  test('a change at one issuer is none at another', () => {
    const cache = new StatusCache();
    cache.evict('ca', '11');
    expect(cache.put('other', '11', 'id', answer(0, 100), 0)).toBe(true);
  });

  test('there are never more than the bound, and the least recently asked for goes first', () => {
    const cache = new StatusCache(3);
    for (const serial of ['1', '2', '3']) cache.put('ca', serial, 'id', answer(0, 100), 0);
    cache.find('ca', '1', 'id', at(1));
    cache.put('ca', '4', 'id', answer(0, 100), 0);
    expect(cache.size).toBe(3);
    const left = ['1', '2', '3', '4'].filter((serial) => cache.find('ca', serial, 'id', at(1)));
    expect(left).toEqual(['1', '3', '4']);
    for (let serial = 0; serial < 100; serial++) {
      cache.put('ca', `s${serial}`, 'id', answer(0, 100), 0);
      expect(cache.size).toBe(3);
    }
  });
});
