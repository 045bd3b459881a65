import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * What changes the process for whoever runs in it next (replaced modules, clocks, methods, variables
 * and flags of V8), or judges its memory. A file with one of these has a process of its own. All
 * others share one per worker: to import the service anew for each takes longer than most of them
 * take to run.
 */
const changesProcess =
  /\bvi\.(mock|doMock|spyOn|stub\w+|useFakeTimers|setSystemTime|resetModules)\b|\bdelete process\.env|\bprocess\.(env\.\w+ = |(chdir|umask|on|once|memoryUsage)\()|'node:v8'/;

const root = import.meta.dirname;
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join('test', file));
const alone = files.filter((file) => changesProcess.test(readFileSync(join(root, file), 'utf8')));

/**
 * Databases of tests are in memory where there is plenty of it: what they commit outlives processes
 * that are killed, and no test has the machine lose power. On a disk they would wait for it half of
 * the time. `TMPDIR` says otherwise.
 */
const memory = '/dev/shm';
const ENOUGH = 4 * 1024 ** 3;
if (process.env.TMPDIR === undefined && isLargeTmpfs(memory)) {
  const folder = mkdtempSync(join(memory, 'evpki-tests-'));
  // Proxies read in folders of theirs below it as somebody else.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

function isLargeTmpfs(folder: string): boolean {
  const TMPFS = 0x01021994;
  try {
    const { type, bavail, bsize } = statfsSync(folder);
    return type === TMPFS && bavail * bsize >= ENOUGH;
  } catch {
    return false;
  }
}

export default defineConfig({
  test: {
    // Nothing is measured by them; they end what hangs, on a machine that is busy otherwise, too.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // As long as what is waited for may take there; who has it goes on at once.
    expect: { poll: { timeout: 20_000 } },
    // Vitest would leave one processor idle: of two that is half of them.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      {
        extends: true,
        test: { name: 'together', include: ['test/**/*.test.ts'], exclude: alone, isolate: false },
      },
    ],
  },
});
