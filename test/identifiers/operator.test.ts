import { describe, expect, test } from 'vitest';
import { operatorOf } from '../../src/identifiers/operator.ts';

describe('whose an EVSE or SECC id is', () => {
  test.each([
    ['DE*ICE*E45B*78C', 'DEICE'],
    ['DEICEE45B78C', 'DEICE'],
    ['de*ice*e1', 'DEICE'],
    ['DE-ICE-E1', 'DEICE'],
    ['DE*ICEE1', 'DEICE'],
    ['NL8EV*E1', 'NL8EV'],
    // Too long for an EVSE id, and no less a name of that operator's.
    [`DE*ICE*E${'1'.repeat(50)}`, 'DEICE'],
    [`DEICES${'A'.repeat(32)}`, 'DEICE'],
    [`de-ice-s-${'a'.repeat(32)}-7`, 'DEICE'],
    ['DE-ICE-S-1', 'DEICE'],
  ])('%s is one of %s', (name, operator) => {
    expect(operatorOf(name)).toBe(operator);
  });

  test.each([
    ...['', 'CS-1', 'SN-0815', 'DE*ICE', 'DE*ICE*E', 'DE*ICE*X1', '49*ICE*E1', 'DEICES1'],
    ...['station.example', 'DE ICE E1', ' DE*ICE*E1', 'ÄE*ICE*E1', 'DE*ICE*E1\n'],
  ])('%j is none', (name) => {
    expect(operatorOf(name)).toBeUndefined();
  });
});
