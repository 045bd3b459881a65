import { describe, expect, test } from 'vitest';
import { Failure, problemFailure, tellFailure } from '../../src/cli/failure.ts';
import { errorCodes } from '../../src/services/errors.ts';
import { captureIo } from '../support/cli.ts';

const problem = {
  code: 'from-the-future',
  detail: 'the request is refused',
  remedy: 'Correct it.',
  requestId: 'r-1',
  violations: [
    { code: 'key-type', message: 'RSA-1024 is not allowed', field: 'publicKey' },
    { code: 'csr-malformed', message: 'it is not DER' },
  ],
};

function told(error: unknown): { status: number; text: string; stdout: string } {
  const captured = captureIo();
  const status = tellFailure(captured.io, error);
  return { status, text: captured.stderr(), stdout: captured.stdout() };
}

describe('a problem', () => {
  test('is told with its violations, remedy and request id', () => {
    expect(told(problemFailure(problem))).toEqual({
      status: 70,
      stdout: '',
      text: [
        'evpki: the request is refused',
        '  - publicKey: RSA-1024 is not allowed (key-type)',
        '  - it is not DER (csr-malformed)',
        '  Correct it.',
        '  request r-1',
        '',
      ].join('\n'),
    });
  });

  test.each(Object.entries(errorCodes))('%s has the exit status of the table', (code, { exit }) => {
    expect(problemFailure({ ...problem, code }).exit).toBe(exit);
  });

  test.each(['__proto__', 'constructor'])('code %s is unknown', (code) => {
    expect(problemFailure({ ...problem, code }).exit).toBe(70);
  });

  test('not-authenticated says how to log in, not how programs get tokens', () => {
    const { text } = told(problemFailure({ ...problem, code: 'not-authenticated' }));
    expect(text).toContain('evpki login');
    expect(text).not.toContain('Correct it.');
  });

  test.each(Object.entries(errorCodes))(
    '%s: what to do is told in words of the command line',
    (code, { remedy: ofService }) => {
      const remedy = problemFailure({ ...problem, code, remedy: ofService }).details.remedy;
      expect(remedy).not.toMatch(/\/v1\/|violations|\b(GET|POST|PUT) |openapi/);
    },
  );

  test.each([
    ['body.notAfter', '--not-after'],
    ['query.notAfter', '--not-after'],
    ['notAfter', '--not-after'],
    ['authorities.my-ca.notAfter', '--not-after'],
    ['body.evseIds.0', '--evse-id'],
    ['evseIds[3]', '--evse-id'],
    ['body.certificateType', 'certificateType'],
    ['extensions.keyUsage', 'extensions.keyUsage'],
    ['subject.CN', 'subject.CN'],
  ])('the field %s is shown as %s', (field, shown) => {
    const options = new Set(['--not-after', '--evse-id', '--json']);
    const violation = { code: 'enum', message: 'no', field };
    const { io, stderr } = captureIo();
    tellFailure(io, problemFailure({ ...problem, violations: [violation] }), options);
    expect(stderr()).toContain(`  - ${shown}: no (enum)\n`);
  });

  test('cannot write to the terminal what it likes', () => {
    const hostile = '\u001b[2J\nevpki: all is well';
    const { text } = told(
      problemFailure({
        code: hostile,
        detail: hostile,
        remedy: hostile,
        requestId: hostile,
        violations: [{ code: hostile, message: hostile, field: hostile }],
      }),
    );
    expect(text).not.toContain('\u001b');
    expect(text.trimEnd().split('\n')).toHaveLength(4);
  });
});

describe('an unexpected error', () => {
  test.each([
    ['an Error', new TypeError('boom')],
    ['a text', 'boom'],
  ])('%s is told without its stack', (_name, error) => {
    const { status, text } = told(error);
    expect(status).toBe(70);
    expect(text).toMatch(/^evpki: boom\n {2}This should not happen/);
    expect(text).not.toMatch(/\bat .*:\d+/);
  });

  test('without a message there is still a sentence', () => {
    expect(told(new Error('')).text).toMatch(/^evpki: failed for an unknown reason\n/);
  });
});

test('a failure without details is one line', () => {
  expect(told(new Failure(2, 'no'))).toEqual({ status: 2, stdout: '', text: 'evpki: no\n' });
});
