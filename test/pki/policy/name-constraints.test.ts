import { expect, test } from 'vitest';
import { type DnsConstraints, isPermittedDns } from '../../../src/pki/policy/name-constraints.ts';

const permitted = (...permittedDns: readonly string[]): DnsConstraints => ({ permittedDns });
const excluded = (...excludedDns: readonly string[]): DnsConstraints => ({ excludedDns });

test.each<[string, DnsConstraints, boolean]>([
  ['a.example', {}, true],
  ['a.example', permitted(), true],
  ['a.example', permitted('example'), true],
  ['A.Example', permitted('eXample'), true],
  ['example.com', permitted('example.com'), true],
  ['badexample.com', permitted('example.com'), false],
  ['example.com', permitted('.example.com'), false],
  ['a.example.com', permitted('.example.com'), true],
  ['a.example', permitted(''), true],
  ['*.example.com', permitted('example.com'), true],
  ['*.example.com', permitted('a.example.com'), false],
  ['a.other', permitted('example', 'other'), true],
  ['a.example', excluded('example'), false],
  ['a.example', excluded('b.example'), true],
  ['a.example', excluded(''), false],
  ['*.example', excluded('b.example'), false],
  ['*.example', excluded('.b.example'), false],
  ['a.b.example', { permittedDns: ['example'], excludedDns: ['b.example'] }, false],
])('RFC 5280 4.2.1.10, A1: %s under %j is permitted: %s', (name, constraints, expected) => {
  expect(isPermittedDns(name, constraints)).toBe(expected);
});
