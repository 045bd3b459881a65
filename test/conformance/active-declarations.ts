import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activeDeclarationsStore } from '../../src/storage/active-declarations.ts';
import { auditStore } from '../../src/storage/audit.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { audit } from './fixtures.ts';

export const activeDeclarationsConform = (name: string, open: OpenTestDatabase) =>
  describe(`active declarations on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => activeDeclarationsStore(opened.database);
    const activate = (sha256: string, processId = 'process-1') =>
      store().activate({
        sha256,
        processId,
        audit: audit('instance', 'declarations.activated', sha256),
      });

    test('the last one activated is in force; only a change has an entry', async () => {
      expect(await store().readActive()).toBeUndefined();
      expect(await activate('a')).toBeUndefined();
      expect(await activate('a', 'process-2')).toBeUndefined();
      expect(await activate('b')).toBe('a');
      expect(await store().readActive()).toBe('b');
      expect(await activate('a')).toBe('b');
      expect(await store().readActive()).toBe('a');
      const [stream] = await auditStore(opened.database).listStreams();
      const entries = await auditStore(opened.database).readStream(stream?.stream ?? '', 0, 100);
      expect(entries.map(({ subject }) => subject)).toEqual(['a', 'b', 'a']);
    });

    test('of several at once each hears of the one that it supersedes', async () => {
      const before = await store().readActive();
      const superseded = await Promise.all(['x', 'y', 'z'].map((sha256) => activate(sha256)));
      const last = await store().readActive();
      expect([...superseded, last].sort()).toEqual([before, 'x', 'y', 'z'].sort());
    });
  });
