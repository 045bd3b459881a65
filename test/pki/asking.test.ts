/** Work that asks, and who waits for the answers. */

import { expect, test } from 'vitest';
import { type Asking, answeredAtOnce, answeredInTime } from '../../src/pki/asking.ts';

function* doubled(numbers: readonly number[]): Asking<number, number, number[]> {
  const answers: number[] = [];
  for (const number of numbers) answers.push(yield number);
  return answers;
}
const double = (number: number) => 2 * number;

test('answers come in the order of the questions, at once or in time', async () => {
  expect(answeredAtOnce(doubled([1, 2, 3]), double)).toEqual([2, 4, 6]);
  expect(await answeredInTime(doubled([1, 2, 3]), double)).toEqual([2, 4, 6]);
  expect(await answeredInTime(doubled([1, 2, 3]), async (one) => double(one))).toEqual([2, 4, 6]);
  const mixed = (one: number) => (one === 2 ? Promise.resolve(double(one)) : double(one));
  expect(await answeredInTime(doubled([1, 2, 3]), mixed)).toEqual([2, 4, 6]);
});

test('nothing waits for an answer that is there', async () => {
  const asked: number[] = [];
  const answered = answeredInTime(doubled([1, 2, 3]), (one) => {
    asked.push(one);
    return double(one);
  });
  expect(asked).toEqual([1, 2, 3]);
  await answered;
});
