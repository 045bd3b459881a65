/** Why a command did not do what it was asked, how people are told, and what the shell is told. */

import { errorCodes } from '../services/errors.ts';
import type { Problem, Violation } from './api-bodies.ts';
import { colorsFor, type Io, printable } from './io.ts';
import { asTyped, remedyOf } from './remedies.ts';

/** Exit statuses beside those that the error codes of the service have. */
export const exitStatus = {
  ok: 0,
  usage: 2,
  /** Nothing is issued yet: somebody has to approve it. */
  waiting: 8,
  /** The audit log is not as it was written. */
  broken: 9,
  /** What a car was answered is nothing that it would take. */
  notTaken: 10,
  unreachable: 69,
  unknown: 70,
} as const;

interface FailureDetails {
  readonly remedy?: string | undefined;
  readonly violations?: readonly Violation[];
  readonly requestId?: string;
}

/** A command that failed for a reason that can be told in a sentence. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: number;
  readonly details: FailureDetails;

  constructor(exit: number, message: string, details: FailureDetails = {}) {
    super(message);
    this.exit = exit;
    this.details = details;
  }
}

/** A command that was called in a way that makes no sense. */
export const usageFailure = (message: string, remedy?: string): Failure =>
  new Failure(exitStatus.usage, message, { remedy });

/** What the service answered, as a failure of the command. */
export function problemFailure(problem: Problem): Failure {
  const { code, detail, violations = [], requestId } = problem;
  return new Failure(exitOf(code), detail, { remedy: remedyOf(problem), violations, requestId });
}

/** The exit status of an error code; a newer service may have codes that are not known here. */
const exitOf = (code: string): number =>
  Object.hasOwn(errorCodes, code)
    ? errorCodes[code as keyof typeof errorCodes].exit
    : exitStatus.unknown;

/**
 * Tells people on stderr what failed; never with a stack. Returns the exit status.
 * @param options the long names of the options of the command that failed
 */
export function tellFailure(
  io: Io,
  error: unknown,
  options: ReadonlySet<string> = new Set(),
): number {
  const colors = colorsFor(io, io.stderr);
  const failure = asFailure(error);
  const { violations = [], remedy, requestId } = failure.details;
  const lines = [
    `${colors.red('evpki:')} ${printable(failure.message)}`,
    ...violations.map((violation) => violationLine(asTyped(violation, options))),
    ...(remedy === undefined ? [] : [`  ${printable(remedy)}`]),
    ...(requestId === undefined ? [] : [colors.dim(`  request ${printable(requestId)}`)]),
  ];
  io.stderr.write(`${lines.join('\n')}\n`);
  return failure.exit;
}

function violationLine({ field, message, code }: Violation): string {
  const about = field === undefined ? '' : `${field}: `;
  return `  - ${printable(`${about}${message} (${code})`)}`;
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(exitStatus.unknown, message || 'failed for an unknown reason', {
    remedy: 'This should not happen; please report it with the command that you typed.',
  });
}
