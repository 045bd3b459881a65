/** Starts `open-database.ts` as a second process. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface DatabaseProcess {
  /** `open`, or the code of the error. */
  readonly answer: string;
  /** As a power cut would end it. */
  kill(): Promise<void>;
}

export async function startDatabaseProcess(
  url: string,
  processId: string,
): Promise<DatabaseProcess> {
  const script = fileURLToPath(new URL('open-database.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, url, processId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    answer: line.toString().trim(),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
