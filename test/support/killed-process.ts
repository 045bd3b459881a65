/** Runs `issuing-process.ts` and tells how it ended. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll } from 'vitest';
import { leaveDeclarations } from './declarations.ts';
import type { Job, Line, UsedSecret } from './issuing-process.ts';
import { makeOneFile } from './one-file.ts';

export interface Ending {
  readonly signal: NodeJS.Signals | null;
  /** What it told to have been handed out. */
  readonly handedOut: readonly { readonly certificateId: string; readonly der: Buffer }[];
  /** The changes of statuses that it began and that it was told to be done, in order. */
  readonly changes: readonly Change[];
  /** The CRL numbers that it saw, in order. */
  readonly published: readonly number[];
  /** The ids of the proposals that it told to be approved. */
  readonly approved: readonly string[];
  /** SHA-256 of what it was about to sign, hex. */
  readonly signed: readonly string[];
  /** The cars that it has made keys for. */
  readonly cars: readonly { readonly pcid: string; readonly privateKey: Buffer }[];
  /** The one-time secrets that it has had made, with the requests that it was about to send. */
  readonly secrets: readonly UsedSecret[];
  /** Its standard error. */
  readonly complaints: string;
}

export type Change = Extract<Line, { readonly event: 'changing' | 'changed' }>;

/** When a process is killed from outside. */
export interface Moment {
  readonly after: 'ready' | 'handed-out' | 'approved';
  readonly milliseconds: number;
}

export interface Launcher {
  /** Runs a job to its end, or until the moment has come. */
  run(job: Job, moment?: Moment): Promise<Ending>;
  remove(): Promise<void>;
}

/** As many processes at a time, for each of vitest's workers; each keeps a processor busy. */
const AT_A_TIME = 2;

/** Makes the process one file and reads the declarations once: hundreds are started. */
async function prepareProcesses(): Promise<Launcher> {
  const { folder, script, remove } = await makeOneFile('test/support/issuing-process.ts');
  const declarations = join(folder, 'declarations');
  leaveDeclarations(declarations);

  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(job, moment) {
      if (running >= AT_A_TIME) await new Promise<void>((resolve) => waiting.push(resolve));
      running += 1;
      try {
        return await runToTheEnd([script, JSON.stringify(job), declarations], moment);
      } finally {
        running -= 1;
        waiting.shift()?.();
      }
    },
    remove,
  };
}

/** Prepares them for the tests of the calling file. */
export function launcherOfFile(): () => Launcher {
  let launcher: Launcher | undefined;
  beforeAll(async () => {
    launcher = await prepareProcesses();
  });
  afterAll(() => launcher?.remove());
  return () => {
    if (launcher === undefined) throw new Error('the processes are not prepared');
    return launcher;
  };
}

async function runToTheEnd(args: readonly string[], moment: Moment | undefined): Promise<Ending> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const handedOut: { certificateId: string; der: Buffer }[] = [];
  const signed: string[] = [];
  const changes: Change[] = [];
  const published: number[] = [];
  const approved: string[] = [];
  const cars: { pcid: string; privateKey: Buffer }[] = [];
  const secrets: UsedSecret[] = [];
  let complaints = '';
  let timer: NodeJS.Timeout | undefined;
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  createInterface(child.stdout).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (line.event === moment?.after) {
      timer ??= setTimeout(() => child.kill('SIGKILL'), moment.milliseconds);
    }
    if (line.event === 'car') {
      cars.push({ pcid: line.pcid, privateKey: Buffer.from(line.privateKey, 'hex') });
    }
    if (line.event === 'secret') secrets.push(line);
    if (line.event === 'signing') signed.push(line.tbsSha256);
    if (line.event === 'changing' || line.event === 'changed') changes.push(line);
    if (line.event === 'published') published.push(line.number);
    if (line.event === 'approved') approved.push(line.proposalId);
    if (line.event === 'handed-out') {
      handedOut.push({
        certificateId: line.certificateId,
        der: Buffer.from(line.der, 'base64'),
      });
    }
  });
  const [, signal] = await closed;
  clearTimeout(timer);
  return { signal, handedOut, changes, published, approved, signed, cars, secrets, complaints };
}
