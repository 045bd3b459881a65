/**
 * Chains of vehicles below the organization's own authorities: the only anchors for vehicles until
 * trust anchors can be imported.
 */

import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, isSelfIssued, readCertificate, serialHex } from '../pki/certificate.ts';
import { assembleChain } from '../pki/chain.ts';
import type { AuthorityStore, Issuer } from '../services/authority-records.ts';
import type { CertificateStore } from '../services/certificate-records.ts';
import type { ValidateChain } from '../services/provisioning-registration.ts';

interface Parts {
  readonly authorities: Pick<AuthorityStore, 'listAuthorities' | 'listIssuers'>;
  readonly certificates: Pick<CertificateStore, 'findBySerial'>;
}

export const ownVehicleChains =
  (parts: Parts): ValidateChain =>
  async ({ certificate, candidates, organizationId, at }) => {
    const issuers = await vehicleIssuers(parts, organizationId);
    const own = issuers.map(({ certificate: der }) => readCertificate(der));
    const chain = assembleChain(
      readCertificate(certificate),
      [...own, ...candidates.map(readCertificate)],
      { includeRoot: true },
    );
    const problems = await problemsOf(parts, chain, issuers, at);
    return problems.length > 0
      ? { ok: false, problems }
      : { ok: true, path: chain.map(({ der }) => der) };
  };

type CertifiedIssuer = Issuer & { readonly certificate: Uint8Array };

async function vehicleIssuers(
  { authorities }: Parts,
  organizationId: string,
): Promise<CertifiedIssuer[]> {
  const all = await authorities.listAuthorities(organizationId);
  const vehicles = all.filter(({ profile }) => /^iso15118-(2|20)-oem-/.test(profile));
  const issuers = await Promise.all(vehicles.map(({ id }) => authorities.listIssuers(id)));
  return issuers.flat().filter((one): one is CertifiedIssuer => one.certificate !== undefined);
}

async function problemsOf(
  { certificates }: Parts,
  chain: readonly Certificate[],
  issuers: readonly CertifiedIssuer[],
  at: Date,
): Promise<{ code: string; message: string }[]> {
  const problems: { code: string; message: string }[] = [];
  const ours = (wanted: Certificate) =>
    issuers.find(({ certificate }) => sameBytes(certificate, wanted.der));
  const top = chain.at(-1);
  if (!top || !isSelfIssued(top) || !ours(top)) {
    const message = 'the chain does not lead to a trust anchor for vehicles of the organization';
    problems.push({ code: 'chain-untrusted', message });
  }
  for (const [index, one] of chain.entries()) {
    if (one.notBefore > at || one.notAfter < at) {
      const span = `${one.notBefore.toISOString()} to ${one.notAfter.toISOString()}`;
      problems.push({ code: 'chain-validity', message: `one of it holds from ${span}` });
    }
    const above = chain[index + 1];
    const issuer = above && ours(above);
    if (!issuer) continue;
    const record = await certificates.findBySerial(issuer.id, serialHex(one));
    if (record && record.state !== 'issued') {
      problems.push({ code: 'chain-revoked', message: `one of it is ${record.state}` });
    }
  }
  return problems;
}
