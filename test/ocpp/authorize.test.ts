import { describe, expect, test } from 'vitest';
import {
  authorizeOutcome,
  type ChainVerdict,
  type ContractState,
  namesContract,
} from '../../src/ocpp/authorize.ts';

const contracts: readonly ContractState[] = ['active', 'suspended', 'ended', 'unknown', 'other'];

describe('C07 the outcome of Authorize', () => {
  test.each<[ChainVerdict, ContractState, string, string]>([
    // C07.FR.13 to 17
    ['revoked', 'active', 'CertificateRevoked', 'Invalid'],
    ['expired', 'active', 'CertificateExpired', 'Expired'],
    ['valid', 'unknown', 'ContractCancelled', 'Invalid'],
    ['valid', 'active', 'Accepted', 'Accepted'],
    ['valid', 'suspended', 'Accepted', 'Blocked'],
    ['valid', 'ended', 'ContractCancelled', 'Invalid'],
    ['valid', 'other', 'ContractCancelled', 'Invalid'],
    ['not-yet-valid', 'active', 'CertChainError', 'Invalid'],
    ['untrusted', 'active', 'CertChainError', 'Invalid'],
    ['signature-wrong', 'active', 'SignatureError', 'Invalid'],
    ['unknown', 'active', 'CertChainError', 'Invalid'],
    ['absent', 'active', 'NoCertificateAvailable', 'Invalid'],
  ])('%s chain, %s contract', (chain, contract, certificateStatus, idTokenStatus) => {
    expect(authorizeOutcome(chain, contract)).toEqual({ certificateStatus, idTokenStatus });
  });

  test.each<ChainVerdict>([
    ...(['revoked', 'expired', 'not-yet-valid', 'untrusted'] as const),
    ...(['signature-wrong', 'unknown', 'absent'] as const),
  ])('a chain that is %s is not mended by any contract', (chain) => {
    const outcomes = contracts.map((contract) => authorizeOutcome(chain, contract));
    expect(new Set(outcomes.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(outcomes[0]?.certificateStatus).not.toBe('Accepted');
    expect(outcomes[0]?.idTokenStatus).not.toBe('Accepted');
  });
});

describe('the EMAID of idToken and certificate', () => {
  const certified = (...values: string[]) => ({
    subject: { attributes: values.map((value) => ({ type: 'CN', value })) },
  });

  test.each([
    ['DE8AA001234567', 'DE8AA001234567', true],
    ['DE-8AA-001234567', 'DE8AA001234567', true],
    ['de8aa001234567', 'DE-8AA-001234567-0', true],
    ['DE8AA0012345670', 'DE8AA001234567', true],
    // A check digit that belongs to another.
    ['DE8AA0012345671', 'DE8AA001234567', false],
    ['DE8AA001234568', 'DE8AA001234567', false],
    ['DE8AB001234567', 'DE8AA001234567', false],
    ['DE8AA00123456', 'DE8AA001234567', false],
    ['', '', false],
    ['DE8AA001234567', 'Contract of somebody', false],
  ])('%s and %s', (idToken, commonName, same) => {
    expect(namesContract(idToken, certified(commonName))).toBe(same);
  });

  test('a certificate without a common name, or with two, names no contract', () => {
    const emaid = 'DE8AA001234567';
    expect(namesContract(emaid, certified())).toBe(false);
    expect(namesContract(emaid, certified(emaid, emaid))).toBe(false);
  });
});
