/** The process of the `evpki` command. */

import { runCli } from './run.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read has seen enough, as in `evpki cert list | head`.
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

// The status is set, not forced: what has been written to a pipe must still get out.
process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: () => new Date(),
});
