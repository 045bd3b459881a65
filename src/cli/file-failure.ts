/** What people are told about a file that cannot be read or written. */

import { type Failure, usageFailure } from './failure.ts';

export function unreadable(file: string, error: unknown, remedy?: string): Failure {
  const code = codeOf(error);
  return usageFailure(
    code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${reason(code)})`,
    remedy,
  );
}

export const unwritable = (file: string, error: unknown, remedy?: string): Failure =>
  usageFailure(`${file} cannot be written (${whyUnwritable(error)})`, remedy);

/** In words where they say more than the code of the system. */
export function whyUnwritable(error: unknown): string {
  const code = codeOf(error);
  return code === 'ENOENT' ? 'there is no such folder' : reason(code);
}

const reason = (code: string): string => (code === 'EISDIR' ? 'it is a folder' : code);

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);
