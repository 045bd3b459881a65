import { describe, expect, test } from 'vitest';
import { type OcspSignerParts, renewResponder } from '../../src/services/ocsp-signers.ts';
import type { OcspSigner } from '../../src/services/revocation-records.ts';
import { DAY, start } from '../support/responder.ts';

const hours = (count: number) => new Date(start.getTime() + count * 3_600_000);

/** An issuer that ends at some time, with a responder or without; making another one fails. */
function partsWith(
  issuerEnd: Date,
  present?: Pick<OcspSigner, 'notBefore' | 'notAfter'>,
  state = 'active',
  stateAbove = 'retired',
): OcspSignerParts {
  return {
    clock: () => start,
    signers: { newestSigner: async () => present },
    issuers: {
      byId: async () => ({
        issuer: { id: 'ca', state, signedById: 'root' },
        authority: { organizationId: 'o' },
        facts: { notAfter: issuerEnd },
      }),
    },
    authorities: {
      findIssuer: async () => ({ id: 'root', state: stateAbove, signedById: 'root' }),
    },
    profiles: new Map(),
    organizations: { findOrganization: async () => undefined },
  } as unknown as OcspSignerParts;
}
const makesOne = 'no profile ocsp-responder';

describe('renewing OCSP responders (O3)', () => {
  test('the first one is made, and another when a third of its life is over', async () => {
    await expect(renewResponder(partsWith(hours(9_000)), 'ca')).rejects.toThrow(makesOne);
    const old = { notBefore: hours(-10), notAfter: hours(20) };
    await expect(renewResponder(partsWith(hours(9_000), old), 'ca')).rejects.toThrow(makesOne);
    const young = { notBefore: hours(-9), notAfter: hours(21) };
    expect(await renewResponder(partsWith(hours(9_000), young), 'ca')).toEqual(hours(1));
  });

  test('none is made that would end no later: near an end of an issuer that has no end', async () => {
    const last = { notBefore: hours(-10), notAfter: hours(1) };
    expect(await renewResponder(partsWith(hours(1), last), 'ca')).toEqual(hours(1));
  });

  test('an issuer below a revoked one certifies none either', async () => {
    const parts = partsWith(hours(9_000), undefined, 'active', 'revoked');
    const next = await renewResponder(parts, 'ca');
    expect(next.getTime() - start.getTime()).toBe(365 * DAY);
  });

  test.each([
    ['revoked', hours(9_000), 'revoked'],
    ['at its end', start, 'active'],
  ])('an issuer that is %s certifies none, and is not asked again soon', async (_, end, state) => {
    const next = await renewResponder(partsWith(end, undefined, state), 'ca');
    expect(next.getTime() - start.getTime()).toBe(365 * DAY);
  });
});
