/** What commands read: files, standard input, secrets typed at a terminal, times. */

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { usageFailure } from './failure.ts';
import { unreadable } from './file-failure.ts';
import type { Io } from './io.ts';

/** The bytes of a file, or of standard input for `-`. */
export async function readInput(io: Io, file: string): Promise<Buffer> {
  if (file === '-') {
    const parts: Buffer[] = [];
    for await (const part of io.stdin) parts.push(Buffer.from(part as Uint8Array | string));
    return Buffer.concat(parts);
  }
  try {
    return await readFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/**
 * The text of a file with certificates.
 * @throws Failure for one with a private key, which is not sent anywhere
 */
export async function readCertificates(io: Io, file: string): Promise<string> {
  const text = (await readInput(io, file)).toString('latin1');
  if (!text.includes('PRIVATE KEY-----')) return text;
  throw usageFailure(`${file} holds a private key and is not sent anywhere`);
}

/** A secret alone in a file; the newline that editors leave is no part of it. */
export async function readSecret(io: Io, file: string): Promise<string> {
  const secret = (await readInput(io, file)).toString('utf8').trim();
  if (secret === '') throw usageFailure(`${file} is empty`);
  return secret;
}

/** Asks for a secret without showing it; undefined when there is nobody to ask. */
export async function askSecret(io: Io, question: string): Promise<string | undefined> {
  if (io.stdin.isTTY !== true) return undefined;
  // In terminal mode readline echoes to its output: to nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: io.stdin, output, terminal: true });
  const closed = new Promise<''>((resolve) => {
    lines.once('close', () => resolve(''));
    lines.once('SIGINT', () => lines.close());
  });
  io.stderr.write(`${question}: `);
  try {
    const answer = await Promise.race([lines.question(''), closed]);
    return answer.trim() || undefined;
  } finally {
    lines.close();
    io.stderr.write('\n');
  }
}

/** Asks a question that only a clear yes agrees to; undefined when there is nobody to ask. */
export async function confirm(io: Io, question: string): Promise<boolean | undefined> {
  if (io.stdin.isTTY !== true) return undefined;
  const lines = createInterface({ input: io.stdin, terminal: false });
  const closed = new Promise<''>((resolve) => {
    lines.once('close', () => resolve(''));
  });
  io.stderr.write(`${question} [y/N] `);
  try {
    const answer = await Promise.race([lines.question(''), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** A day or an RFC 3339 time as the API wants it; undefined for anything else. */
export function readTime(text: string): string | undefined {
  const form = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))?$/i;
  const [, date = '', time = 'T00:00:00Z'] = form.exec(text) ?? [];
  const start = new Date(`${date}T00:00:00Z`);
  // JavaScript takes 30 February for the first days of March.
  if (Number.isNaN(start.getTime()) || !start.toISOString().startsWith(date)) return undefined;
  const moment = new Date(`${date}${time}`.toUpperCase());
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

/** The time that an option gives, as the API wants it. */
export function timeOption(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = readTime(text);
  if (time === undefined) {
    throw usageFailure(
      `${name} is a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z`,
    );
  }
  return time;
}
