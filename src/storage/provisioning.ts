/** Provisioning certificates in the database. */

import type { Knex } from 'knex';
import type {
  OperatorsEvent,
  ProvisioningCertificate,
  ProvisioningFilter,
  ProvisioningRecord,
  ProvisioningStore,
} from '../services/provisioning-records.ts';
import { abandonFirstBundles } from './contract-states.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database, WriteTransaction } from './database.ts';
import { lockPcid } from './provisioning-locks.ts';
import { rawRows } from './raw-rows.ts';
import type { ContractRow, ProvisioningRow } from './rows/plug-and-charge.ts';
import { blob, bytesOf, optional, timeOf, timeText } from './values.ts';

const TABLE = 'provisioning_certificates';

// Asked for each car, as text: the query builder would cost as much as the query.
const BY_PCID = `
  SELECT * FROM provisioning_certificates
  WHERE pcid = ? AND standard = ? AND state = 'registered'`;

export function provisioningStore(database: Database): ProvisioningStore {
  const { reader } = database;
  return {
    register: ({ certificate, replaces, audit, forOperators }) =>
      database.write(async (tx) => {
        const { pcid, standard, organizationId } = certificate;
        const rows = () => tx.knex<ProvisioningRow>(TABLE);
        await lockPcid(tx, pcid);
        const present = await rows().where({ pcid, state: 'registered' });
        if (present.some((row) => row.organization_id !== organizationId)) return 'taken';
        const former = present.find((row) => row.standard === standard);
        if (former === undefined && (await hasOthersContracts(tx, certificate))) return 'taken';
        if (former?.id !== replaces) return 'changed';
        if (former !== undefined) {
          await rows()
            .where({ id: former.id })
            .update({ state: 'replaced', ended_at: timeText(certificate.registeredAt) });
        }
        await rows().insert({ ...rowOf(certificate), replaces: replaces ?? null });
        for (const event of audit) tx.appendAudit(event);
        await tellOperators(tx, certificate, forOperators);
        return 'registered';
      }),

    deleteRegistered: ({ id, audit, forOperators }) =>
      database.write(async (tx) => {
        const rows = () => tx.knex<ProvisioningRow>(TABLE).where({ id });
        const found = await rows().first('pcid', 'standard');
        if (found === undefined) return 'unchanged';
        await lockPcid(tx, found.pcid);
        const ended = await rows()
          .where({ state: 'registered' })
          .update({ state: 'deleted', ended_at: timeText(audit.at) });
        if (ended !== 1) return 'unchanged';
        // Nobody sees them yet, and whoever ends the contracts of this vehicle next would miss them.
        await abandonFirstBundles(tx, found, audit.at);
        tx.appendAudit(audit);
        await tellOperators(tx, found, forOperators);
        return 'deleted';
      }),

    findProvisioning: async (id) => {
      const row = await reader<ProvisioningRow>(TABLE).where({ id }).first();
      return row && recordOf(row);
    },

    findByPcid: async (pcid, standard) => {
      const at = { knex: reader, dialect: database.dialect };
      const [row] = await rawRows<ProvisioningRow>(at, BY_PCID, [pcid, standard]);
      return row && certificateOf(row);
    },

    findBySha256: async (sha256) => {
      const row = await reader<ProvisioningRow>(TABLE)
        .where({ sha256, state: 'registered' })
        .first();
      return row && certificateOf(row);
    },

    listProvisioning: async (filter, wanted) => {
      const query = reader<ProvisioningRow>(TABLE);
      narrow(query, filter);
      const page = await pageOf<ProvisioningRow>(query, wanted, byTime('registered_at'));
      return { ...page, items: page.items.map(recordOf) };
    },
  };
}

/** With the PCID locked: nobody makes a contract for this vehicle meanwhile. */
async function tellOperators(
  tx: WriteTransaction,
  { pcid, standard }: Pick<ProvisioningRow, 'pcid' | 'standard'>,
  event: OperatorsEvent,
): Promise<void> {
  const rows = await tx
    .knex<ContractRow>('contracts')
    .where({ pcid, standard })
    .whereIn('state', ['active', 'suspended'])
    .orderBy(['organization_id', 'id'])
    .select('organization_id', 'id');
  for (const organizationId of new Set(rows.map((row) => row.organization_id))) {
    const own = rows.filter((row) => row.organization_id === organizationId);
    const contracts = own.map(({ id }) => id);
    tx.appendAudit({ ...event, organizationId, details: { ...event.details, contracts } });
  }
}

/**
 * Whether there are contracts still that were made for a vehicle of this PCID when it was another
 * organization's: they are not for the vehicle that has its name now.
 */
async function hasOthersContracts(
  tx: WriteTransaction,
  { pcid, standard, organizationId }: ProvisioningCertificate,
): Promise<boolean> {
  const last = await tx
    .knex<ProvisioningRow>(TABLE)
    .where({ pcid, standard })
    .orderBy('ended_at', 'desc')
    .first('organization_id');
  if (last === undefined || last.organization_id === organizationId) return false;
  const contract = await tx
    .knex<ContractRow>('contracts')
    .where({ pcid, standard })
    .whereNot({ state: 'ended' })
    .first('id');
  return contract !== undefined;
}

function narrow(query: Knex.QueryBuilder, filter: ProvisioningFilter): void {
  const { organizationId: organization_id, pcid, standard, state, expiresBefore } = filter;
  for (const [column, value] of Object.entries({ organization_id, pcid, standard, state })) {
    if (value !== undefined) query.where(column, value);
  }
  if (expiresBefore !== undefined) query.where('not_after', '<', timeText(expiresBefore));
}

const rowOf = (certificate: ProvisioningCertificate): Omit<ProvisioningRow, 'replaces'> => ({
  id: certificate.id,
  organization_id: certificate.organizationId,
  pcid: certificate.pcid,
  standard: certificate.standard,
  state: 'registered',
  certificate: blob(certificate.certificate),
  sub_certificates: JSON.stringify(
    certificate.subCertificates.map((der) => blob(der).toString('base64')),
  ),
  spki: blob(certificate.spki),
  sha256: certificate.sha256,
  x448_public_key: certificate.x448PublicKey ? blob(certificate.x448PublicKey) : null,
  not_before: timeText(certificate.notBefore),
  not_after: timeText(certificate.notAfter),
  registered_at: timeText(certificate.registeredAt),
  ended_at: null,
});

const certificateOf = (row: ProvisioningRow): ProvisioningCertificate => ({
  id: row.id,
  organizationId: row.organization_id,
  pcid: row.pcid,
  standard: row.standard,
  certificate: bytesOf(row.certificate),
  subCertificates: (JSON.parse(row.sub_certificates) as string[]).map((base64) =>
    bytesOf(Buffer.from(base64, 'base64')),
  ),
  spki: bytesOf(row.spki),
  sha256: row.sha256,
  ...optional('x448PublicKey', row.x448_public_key && bytesOf(row.x448_public_key)),
  notBefore: timeOf(row.not_before),
  notAfter: timeOf(row.not_after),
  registeredAt: timeOf(row.registered_at),
});

const recordOf = (row: ProvisioningRow): ProvisioningRecord => ({
  ...certificateOf(row),
  state: row.state,
  ...optional('replaces', row.replaces),
  ...optional('endedAt', row.ended_at === null ? null : timeOf(row.ended_at)),
});
