/** Cross-certificates. No front door issues them yet, so this calls the service behind the doors. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { vaultKeyring } from '../../src/keystore/keyring.ts';
import { demoPassphrase } from '../../src/keystore/passphrase.ts';
import { openVault } from '../../src/keystore/vault.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { Profile } from '../../src/pki/profile.ts';
import { readRequest } from '../../src/pki/request.ts';
import { decodeRequestText } from '../../src/pki/request-text.ts';
import type { DeclaredAuthority } from '../../src/services/hierarchies.ts';
import { createIssuers, type ReadyIssuer } from '../../src/services/issuers.ts';
import { type IssuingParts, issueCertificate } from '../../src/services/issuing.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { vaultStore } from '../../src/storage/vault.ts';
import { capture } from './captured-log.ts';

export interface CrossCertification {
  readonly profile: Profile;
  readonly issuer: DeclaredAuthority;
  /** The other root's request, in PEM. */
  readonly csr: string;
}

/**
 * Issues cross-certificates from the authorities of an evpki that has been stopped.
 * @returns PEM, in the order of the orders
 */
export async function issueCrossCertificates(
  dataDir: string,
  databaseUrl: string,
  profiles: ReadonlyMap<string, Profile>,
  orders: readonly CrossCertification[],
): Promise<string[]> {
  const clock = () => new Date();
  const processId = 'interop';
  const database = await openDatabase(databaseUrl, { clock, processId });
  try {
    const record = await vaultStore(database).findVault();
    if (!record) throw new Error(`${dataDir} has no vault`);
    const vault = await openVault(await demoPassphrase(join(dataDir, 'demo-passphrase')), record);
    const authorities = authorityStore(database);
    const issuers = createIssuers(authorities, vaultKeyring(vault), profiles);
    const parts: IssuingParts = {
      store: issuanceStore(database),
      clock,
      signingTime: async () => clock(),
      random: randomBytes,
      processId,
      // A second process beside the one that has put its declarations in force.
      declarations: { requireActive: async () => undefined },
      logger: capture().logger,
    };
    return await Promise.all(
      orders.map(async (order) => {
        const authority = await authorities.findAuthority(order.issuer.id);
        const issuer = authority && (await issuers.current(authority));
        if (!issuer) throw new Error(`${order.issuer.id} does not sign`);
        return issueOne(parts, issuer, order);
      }),
    );
  } finally {
    await database.close();
  }
}

async function issueOne(
  parts: IssuingParts,
  issuer: ReadyIssuer,
  { profile, csr }: CrossCertification,
): Promise<string> {
  const text = decodeRequestText(csr);
  const request = text.ok ? readRequest(text.value) : text;
  if (!request.ok) throw new Error(JSON.stringify(request.violations));
  const result = await issueCertificate(parts, {
    input: {
      request: request.value,
      profile,
      issuer: issuer.facts,
      facts: {},
      keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: issuer.authority.organizationId,
    actor: parts.processId,
  });
  if (result.outcome !== 'issued') throw new Error(`${profile.name}: ${JSON.stringify(result)}`);
  return toPem('CERTIFICATE', result.der);
}
