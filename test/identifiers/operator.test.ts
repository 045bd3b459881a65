import { describe, expect, test } from 'vitest';
import { parseEvseId } from '../../src/identifiers/evse-id.ts';
import { operatorOf } from '../../src/identifiers/operator.ts';
import { parseSeccId } from '../../src/identifiers/secc-id.ts';
import { drawing, seed } from '../support/chance.ts';

const INPUTS = 3_000;

test(`C7 of ${INPUTS} ids that are read each has its operator (seed ${seed})`, () => {
  const draw = drawing('EVSE and SECC ids');
  const text = (alphabet: string, length: number) =>
    Array.from({ length }, () => alphabet[draw(alphabet.length) - 1]).join('');
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const characters = `${letters}0123456789`;
  const counts = { evse: 0, secc: 0, none: 0 };
  for (let input = 0; input < INPUTS; input++) {
    const separators = [...['', '*', '-'], ...['', '*', '-']];
    const [first = '', second = ''] = [separators[draw(6) - 1], separators[draw(6) - 1]];
    const kind = ['E', 'e', 'S', 's'][draw(4) - 1] ?? '';
    const rest = text(`${characters}*-`, draw(50));
    const name = text(letters, 2) + first + text(characters, 3) + second + kind + rest;
    const evse = parseEvseId(name);
    const secc = parseSeccId(name);
    const id = evse.ok ? evse.value : secc.ok ? secc.value : undefined;
    counts[evse.ok ? 'evse' : secc.ok ? 'secc' : 'none']++;
    if (id) expect(operatorOf(name), name).toBe(id.country + id.operator);
  }
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
});

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
    // Chargers read it as a SECC id, however short.
    ['DEICES1', 'DEICE'],
    // What an SECC name or a serial number may hold besides takes nothing from whose it seems.
    ...['DE.ICE.E1', 'DE_ICE_E1', 'DE~ICE~E1', 'DE ICE E1', 'DE**ICE**E1', 'DE/ICE/E1'].map(
      (name): [string, string] => [name, 'DEICE'],
    ),
    ...['*DE*ICE*E1', ' DE*ICE*E1', 'DE*ICE*E*1', 'DE*ICE*E1.2', 'DE*ICE*E1~', 'DE*ICE*E1\n'].map(
      (name): [string, string] => [name, 'DEICE'],
    ),
    ['D\u200bE*ICE*E1', 'DEICE'],
  ])('%s is one of %s', (name, operator) => {
    expect(operatorOf(name)).toBe(operator);
  });

  test.each([
    ...['', 'CS-1', 'SN-0815', 'DE*ICE', 'DE*ICE*E', 'DE*ICE*X1', '49*ICE*E1', 'DEICES'],
    ...['station.example', 'ÄE*ICE*E1', '+49*810*000*438'],
  ])('%j is none', (name) => {
    expect(operatorOf(name)).toBeUndefined();
  });
});
