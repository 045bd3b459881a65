import { describe, expect, test } from 'vitest';
import { pncError } from '../../../src/http/pnc/errors.ts';
import { type ErrorCode, errorCodes, ServiceError } from '../../../src/services/errors.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

describe('P5 errors of OPCP and OPNC', () => {
  test.each(codes)('%s has a status that clients know, and says why', (code) => {
    const { status, body } = pncError(new ServiceError(code, 'why'), 'id');
    expect([400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503]).toContain(status);
    expect(body).toEqual({ errorMessages: ['why'], traceId: 'id' });
    const { http } = errorCodes[code];
    if ([401, 403, 404, 503].includes(http)) expect(status).toBe(http);
  });

  test('who asks is wrong where EMAID or vehicle are another organization’s', () => {
    expect(pncError(new ServiceError('emaid-not-allowed', 'x'), '').status).toBe(403);
    expect(pncError(new ServiceError('operator-not-allowed', 'x'), '').status).toBe(403);
    const refused = (...violations: string[]) =>
      pncError(
        new ServiceError(
          'provisioning-certificate-refused',
          'x',
          violations.map((code) => ({ code, message: code })),
        ),
        '',
      ).status;
    expect(refused('wmi-not-allowed', 'chain')).toBe(403);
    expect(refused('chain')).toBe(400);
    expect(refused('invalid', 'operator-not-allowed')).toBe(403);
    expect(pncError(new ServiceError('vehicle-unknown', 'x'), '').status).toBe(404);
  });

  test('name each thing that is wrong once, without where it came in', () => {
    const violations = [
      { code: 'a', message: 'is wrong', field: 'body.pcid' },
      { code: 'b', message: 'is wrong', field: 'body.pcid' },
      { code: 'c', message: 'is odd', field: 'query.xsdMsgDefNamespace' },
      { code: 'd', message: 'something else' },
    ];
    const { body } = pncError(new ServiceError('request-malformed', 'no', violations), '');
    expect(body.errorMessages).toEqual([
      'no',
      'pcid : is wrong',
      'xsdMsgDefNamespace : is odd',
      'something else',
    ]);
  });
});
