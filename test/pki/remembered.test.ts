import { expect, test } from 'vitest';
import { remembered } from '../../src/pki/remembered.ts';

test('is made once for each object, and anew for another one, equal or not', () => {
  const asked: string[] = [];
  const shout = remembered(({ text }: { readonly text: string }) => {
    asked.push(text);
    return text.toUpperCase();
  });
  const [one, two, twin] = [{ text: 'one' }, { text: 'two' }, { text: 'one' }];
  expect([one, two, one, two, twin].map(shout)).toEqual(['ONE', 'TWO', 'ONE', 'TWO', 'ONE']);
  expect(asked).toEqual(['one', 'two', 'one']);
});

test('what throws is not remembered, what is empty is', () => {
  let times = 0;
  const make = remembered((_: object) => {
    times += 1;
    if (times === 1) throw new Error('not now');
    return '';
  });
  const key = {};
  expect(() => make(key)).toThrow('not now');
  expect([make(key), make(key)]).toEqual(['', '']);
  expect(times).toBe(2);
});
