import { expect, test } from 'vitest';
import { chainStatusOf } from '../../src/ocpp/certificate-chain-status.ts';

const certificateHashData = {
  hashAlgorithm: 'SHA256',
  ...{ issuerNameHash: 'AB', issuerKeyHash: 'cd', serialNumber: '00FF' },
} as const;
const nextUpdate = new Date('2026-12-06T12:00:00Z');

test.each([
  ['good', 'Good'],
  ['revoked', 'Revoked'],
  ['unknown', 'Unknown'],
  ['failed', 'Failed'],
] as const)('what is %s is %s', (says, status) => {
  const question = { certificateHashData, source: 'CRL' } as const;
  expect(chainStatusOf(question, says, nextUpdate)).toEqual({
    ...{ certificateHashData, source: 'CRL', status, nextUpdate },
  });
});

test('the hash data is as the station wrote it, without what it has put beside', () => {
  const written = { ...certificateHashData, responderURL: 'http://a.example/', customData: {} };
  const question = { certificateHashData: written, source: 'OCSP', urls: [] } as const;
  const answer = chainStatusOf(question, 'good', nextUpdate);
  expect(answer.certificateHashData).toEqual(certificateHashData);
  expect(Object.keys(answer)).toEqual(['certificateHashData', 'source', 'status', 'nextUpdate']);
});
