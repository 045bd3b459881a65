/** OCSP as CitrineOS up to 1.8 asks: the request in ASCII hex, and the answer read as such (P8). */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { MAX_OCSP_REQUEST_BYTES } from '../../src/pki/ocsp/request.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { ocspQuestion } from '../support/ask-ocsp.ts';
import { newRequest } from '../support/requests.ts';

describe.each(['unset', 'on', 'off'])('OCSP in ASCII hex, EVPKI_OCSP_HEX %s', (setting) => {
  let evpki: TestApp;
  let question: Buffer;
  let id: string;

  beforeAll(async () => {
    evpki = await startTestApp(setting === 'unset' ? {} : { env: { EVPKI_OCSP_HEX: setting } });
    const csr = newRequest('CN=hex');
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    id = json.id;
    question = Buffer.from(ocspQuestion(json.certificateChain));
  });
  afterAll(() => evpki?.close());

  const post = async (body: string | Buffer) => {
    const answer = await fetch(`${evpki.app.publicUrl}/ocsp`, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body,
    });
    return { answer, body: Buffer.from(await answer.arrayBuffer()) };
  };
  const statusOf = (der: Uint8Array) => {
    const response = readOcspResponse(der);
    return response.status === 'successful'
      ? response.data.responses[0]?.status.kind
      : response.status;
  };

  test('a request in DER is answered in DER', async () => {
    const { answer, body } = await post(question);
    expect([answer.status, statusOf(body)]).toEqual([200, 'good']);
  });

  if (setting === 'off') {
    test('hex is malformed like anything else', async () => {
      const { answer, body } = await post(question.toString('hex'));
      expect([answer.status, statusOf(body)]).toEqual([200, 'malformedRequest']);
    });
    return;
  }

  test('good, then revoked, read as CitrineOS does, and kept by nobody', async () => {
    const ask = async () => {
      const { answer, body } = await post(question.toString('hex'));
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/ocsp-response');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(body.toString('latin1')).toMatch(/^[0-9a-f]+$/);
      return statusOf(Buffer.from(body.toString('latin1'), 'hex'));
    };
    expect(await ask()).toBe('good');
    await evpki.call('POST', `/v1/certificates/${id}/revocation`, { reason: 'superseded' });
    expect(await ask()).toBe('revoked');
  });

  test('O1 what is no request is malformed, and what is too large is not read', async () => {
    const inHex = await post('30030201');
    expect(statusOf(Buffer.from(inHex.body.toString('latin1'), 'hex'))).toBe('malformedRequest');
    expect(statusOf((await post('3 is no hex')).body)).toBe('malformedRequest');
    const most = MAX_OCSP_REQUEST_BYTES;
    expect((await post('30'.repeat(most))).answer.status).toBe(200);
    expect((await post('30'.repeat(most + 1))).answer.status).toBe(413);
    expect((await post(Buffer.alloc(most + 1, 0x30))).answer.status).toBe(413);
  });
});
