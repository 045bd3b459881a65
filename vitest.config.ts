import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * What changes the process for whoever runs in it next: replaced modules, clocks, methods and
 * variables. A file that says one of these has a process of its own; all others share one per
 * worker, because to import the service anew takes longer than most files take to run.
 */
const changesProcess =
  /\bvi\.(mock|doMock|spyOn|stub\w+|useFakeTimers|setSystemTime|resetModules)\b|\bprocess\.(env\.\w+ = |(chdir|umask|on|once)\()/;

const root = import.meta.dirname;
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join('test', file));
const alone = files.filter((file) => changesProcess.test(readFileSync(join(root, file), 'utf8')));

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // By default one less than there are processors: of two, one would be idle.
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
