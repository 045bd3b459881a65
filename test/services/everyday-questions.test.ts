import { expect, test } from 'vitest';
import { EverydayQuestions } from '../../src/services/everyday-questions.ts';

const question = { issuerId: 'issuer', serial: '11aa', certId: 'exact' };

test('the same bytes are the same question, one octet more or less is none', () => {
  const questions = new EverydayQuestions();
  questions.remember(Uint8Array.of(1, 2, 0xff), question);
  expect(questions.find(Uint8Array.of(1, 2, 0xff))).toEqual(question);
  for (const other of [[1, 2], [1, 2, 0xff, 0], [1, 2, 0xfe], []]) {
    expect(questions.find(Uint8Array.from(other))).toBeUndefined();
  }
});

test('long requests are not kept', () => {
  const questions = new EverydayQuestions();
  questions.remember(new Uint8Array(256), question);
  questions.remember(new Uint8Array(257), question);
  expect(questions.find(new Uint8Array(256))).toEqual(question);
  expect(questions.find(new Uint8Array(257))).toBeUndefined();
});

test('the number of questions is bounded, the first goes first', () => {
  const questions = new EverydayQuestions();
  const bytes = (number: number) => new Uint8Array(new Uint32Array([number]).buffer);
  for (let number = 0; number <= 50_000; number++) questions.remember(bytes(number), question);
  expect(questions.find(bytes(0))).toBeUndefined();
  expect(questions.find(bytes(1))).toEqual(question);
  expect(questions.find(bytes(50_000))).toEqual(question);
});
