import { describe, expect, test } from 'vitest';
import { rootId } from '../../src/services/root-pool.ts';

describe('ids of root certificates', () => {
  test('are UUIDs of version 5, and never change', () => {
    const ids = ['one', 'two', ''].map((text) => rootId(Buffer.from(text)));
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(new Set(ids).size).toBe(3);
    // As Python's uuid.uuid5 has it for the SHA-256 of `one`.
    expect(ids[0]).toBe('96a22a6e-eb92-5204-a709-5a3c9e33571c');
  });
});
