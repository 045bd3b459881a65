/** Plug & Charge contracts in the database. */

import type { Knex } from 'knex';
import type { Contract } from '../services/contract-records.ts';
import type { ContractFilter, ContractStore } from '../services/contract-store.ts';
import { formerBrought } from './brought-certificates.ts';
import { bundleRow, insertRow, listBundles, supersede } from './contract-bundles.ts';
import { isCarFull, makeDefault } from './contract-ranks.ts';
import { accountOf, contractOf, contractRow } from './contract-rows.ts';
import { changeContractState } from './contract-states.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import { isStillRegistered } from './provisioning-locks.ts';
import { rawRows } from './raw-rows.ts';
import type { ContractRow } from './rows/plug-and-charge.ts';
import { blob } from './values.ts';

export function contractStore(database: Database): ContractStore {
  const { reader } = database;
  return {
    findContract: async (id) => {
      const row = await reader<ContractRow>('contracts').where({ id }).first();
      return row && contractOf(row);
    },

    listContracts: async (filter, wanted) => {
      const query = reader<ContractRow>('contracts').whereNot({ state: 'pending' });
      narrow(query, filter);
      const page = await pageOf<ContractRow>(query, wanted, byTime('created_at'));
      return { ...page, items: seen(page.items) };
    },

    contractsOfCar: async (pcid, standard) => {
      const at = { knex: reader, dialect: database.dialect };
      const rows = await rawRows<ContractRow>(at, OF_CAR, [pcid, standard]);
      return seen(rows);
    },

    findByCertificate: async (emaid, certificate) => {
      const row = await reader('contracts as k')
        .join('contract_bundles as b', 'b.contract_id', 'k.id')
        .leftJoin('certificates as c', 'c.id', 'b.certificate_id')
        .where('k.account', accountOf(emaid))
        .where((same) =>
          same.where('b.certificate', blob(certificate)).orWhere('c.der', blob(certificate)),
        )
        // A certificate that was brought may be one of several contracts: it is good while one is.
        .orderByRaw(`CASE k.state WHEN 'active' THEN 0 WHEN 'suspended' THEN 1 ELSE 2 END`)
        .orderBy(['k.created_at', 'k.id'])
        .first<ContractRow | undefined>('k.*');
      return row && contractOf(row);
    },

    listBundles: (contractId) => listBundles(database, contractId),

    createBrought: ({ contract, bundle, registrationId, makesDefault, audit }) =>
      database.write(async (tx) => {
        if (!(await isStillRegistered(tx, registrationId))) return 'vehicle-changed';
        if (await isCarFull(tx, contract)) return 'car-full';
        const inserted = await tx
          .knex<ContractRow>('contracts')
          .insert(contractRow(contract))
          .onConflict()
          .ignore()
          .returning('id');
        if (inserted.length === 0) return 'exists';
        await insertRow(tx, broughtRow(bundle));
        if (makesDefault) await makeDefault(tx, contract);
        for (const event of audit) tx.appendAudit(event);
        return 'created';
      }),

    addBrought: ({ bundle, registrationId, supersedes, audit }) =>
      database.write(async (tx) => {
        if (!(await isStillRegistered(tx, registrationId))) return { outcome: 'vehicle-changed' };
        const contract = await tx
          .knex<ContractRow>('contracts')
          .where({ id: bundle.contractId, state: 'active', authority_id: null })
          .forUpdate()
          .first('id');
        if (contract === undefined) return { outcome: 'not-active' };
        if (!(await insertRow(tx, broughtRow(bundle)))) return { outcome: 'outrun' };
        if (!supersedes) {
          tx.appendAudit(audit);
          return { outcome: 'added', statuses: [] };
        }
        const { id } = contract;
        const { here, elsewhere } = await formerBrought(tx, id, bundle.certificate, audit.at);
        const left = elsewhere.length > 0 ? { formerLeft: elsewhere } : {};
        tx.appendAudit({ ...audit, details: { ...audit.details, ...left } });
        return { outcome: 'added', statuses: await supersede(tx, here, id, supersedes, audit) };
      }),

    changeRank: ({ id, isDefault, priority, audit }) =>
      database.write(async (tx) => {
        const contract = await tx
          .knex<ContractRow>('contracts')
          .where({ id })
          .whereIn('state', ['active', 'suspended'])
          .forUpdate()
          .first('id', 'pcid', 'standard', 'organization_id', 'state');
        if (contract === undefined) return 'ended';
        if (isDefault && contract.state !== 'active') return 'not-active';
        const row = () => tx.knex<ContractRow>('contracts').where({ id });
        if (priority !== undefined) await row().update({ priority });
        if (isDefault === false) await row().update({ is_default: false });
        const former = isDefault ? await makeDefault(tx, contract) : undefined;
        const isOfOther = former !== undefined && former !== contract.organization_id;
        tx.appendAudit({ ...audit, ...(isOfOther ? { counterpart: former } : {}) });
        return 'changed';
      }),

    changeState: (command) => database.write((tx) => changeContractState(tx, command)),
  };
}

// Asked for each car, as text: the query builder would cost as much as the query.
const OF_CAR = `
  SELECT * FROM contracts
  WHERE pcid = ? AND standard = ? AND state IN ('active', 'suspended')
  ORDER BY is_default DESC, priority DESC, created_at, id`;

const seen = (rows: readonly ContractRow[]): Contract[] =>
  rows.flatMap((row) => contractOf(row) ?? []);

function narrow(query: Knex.QueryBuilder, filter: ContractFilter): void {
  const equal = {
    organization_id: filter.organizationId,
    account: filter.emaid === undefined ? undefined : accountOf(filter.emaid),
    pcid: filter.pcid,
    state: filter.state,
  };
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) query.where(column, value);
  }
}

const broughtRow = (bundle: Parameters<ContractStore['addBrought']>[0]['bundle']) => ({
  ...bundleRow(bundle, bundle),
  certificate: blob(bundle.certificate),
});
