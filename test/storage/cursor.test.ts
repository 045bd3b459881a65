import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidCursor } from '../../src/services/pages.ts';
import { cursorOf, positionOf } from '../../src/storage/cursor.ts';

test('a cursor gives its position back', () => {
  const position = { createdAt: '2026-11-22T10:00:00.000Z', id: '0192-abc' };
  expect(positionOf(cursorOf(position))).toEqual(position);
});

test('W2: whatever is not exactly a cursor is refused', () => {
  const real = cursorOf({ createdAt: '2026-11-22T10:00:00.000Z', id: 'id' });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.constant(`${real}\n`)), (text) => {
      expect(() => positionOf(text)).toThrow(InvalidCursor);
    }),
  );
});
