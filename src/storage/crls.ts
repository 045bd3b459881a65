/** CRL numbers, and published CRLs in chunks. */

import type { CrlStore, PublishedCrl } from '../services/revocation-records.ts';
import { crlSegmentStore } from './crl-segments.ts';
import type { Database, WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import { lockIssuer } from './issuer-activation.ts';
import type { CrlChunkRow, CrlRow } from './rows/crls.ts';
import type { IssuerRow } from './rows.ts';
import { blob, bytesOf, timeOf, timeText } from './values.ts';

export function crlStore(database: Database): CrlStore {
  const { reader } = database;
  return {
    ...crlSegmentStore(database),

    reserveNumber: (issuerId) =>
      database.write(async ({ knex }) => {
        const [issuer] = await knex<IssuerRow>('issuers')
          .where({ id: issuerId })
          .increment('crl_number', 1)
          .returning('crl_number');
        if (issuer === undefined) throw new StorageError('inconsistent', `no issuer ${issuerId}`);
        return Number(issuer.crl_number);
      }),

    publish: async (crl, chunks, audit) => {
      const { issuerId, number } = crl;
      const present = await reader<CrlRow>('crls').where({ issuer_id: issuerId }).first();
      if (present !== undefined && !isNewer(crl, present)) return 'superseded';

      // Each chunk by itself: nobody waits longer than one of them takes. Until the last step no
      // reader knows of them, and if it never comes the next publication clears them away.
      const counted = { length: 0, chunks: 0 };
      for (const chunk of chunks) {
        await database.write(async ({ knex }) => {
          await knex<CrlChunkRow>('crl_chunks').insert({
            issuer_id: issuerId,
            number,
            chunk: counted.chunks,
            bytes: blob(chunk),
          });
        });
        counted.length += chunk.length;
        counted.chunks += 1;
      }
      if (counted.length !== crl.length) {
        throw new StorageError(
          'inconsistent',
          `CRL ${number} of ${issuerId} has ${counted.length} octets, not ${crl.length}`,
        );
      }

      const replaced = await database.write(async (tx) => {
        const outcome = await replace(tx, { ...crl, chunks: counted.chunks });
        if (outcome !== 'superseded') tx.appendAudit(audit);
        return outcome;
      });
      if (replaced === 'superseded') {
        await removeChunks(database, issuerId, (other) => other === number);
        return 'superseded';
      }
      await removeChunks(
        database,
        issuerId,
        (other) => other < number && other !== replaced.previous,
      );
      return 'published';
    },

    findCrl: async (issuerId) => {
      const row = await reader<CrlRow>('crls').where({ issuer_id: issuerId }).first();
      return row && crlOf(row);
    },

    readChunk: async (issuerId, number, chunk) => {
      const row = await reader<CrlChunkRow>('crl_chunks')
        .where({ issuer_id: issuerId, number, chunk })
        .first('bytes');
      return row && bytesOf(row.bytes);
    },
  };
}

/** Neither the number nor the changes that a CRL covers ever go back. */
const isNewer = (crl: Pick<PublishedCrl, 'number' | 'sequence'>, present: CrlRow): boolean =>
  crl.number > Number(present.number) && crl.sequence >= Number(present.sequence);

async function replace(
  tx: WriteTransaction,
  crl: PublishedCrl,
): Promise<'superseded' | { readonly previous: number | undefined }> {
  // The issuer's row stands for a CRL that is not there yet: two first ones wait for each other.
  await lockIssuer(tx, crl.issuerId);
  const present = await tx.knex<CrlRow>('crls').where({ issuer_id: crl.issuerId }).first();
  if (present !== undefined && !isNewer(crl, present)) return 'superseded';
  await tx.knex<CrlRow>('crls').insert(crlRow(crl)).onConflict('issuer_id').merge();
  return { previous: present && Number(present.number) };
}

/** Removes CRLs by their numbers, chunk by chunk for the sake of other writers. */
async function removeChunks(
  database: Database,
  issuerId: string,
  isRemoved: (number: number) => boolean,
): Promise<void> {
  const rows: Pick<CrlChunkRow, 'number' | 'chunk'>[] = await database
    .reader('crl_chunks')
    .where({ issuer_id: issuerId })
    .select('number', 'chunk');
  for (const { number, chunk } of rows) {
    if (!isRemoved(Number(number))) continue;
    await database.write(async ({ knex }) => {
      await knex<CrlChunkRow>('crl_chunks').where({ issuer_id: issuerId, number, chunk }).delete();
    });
  }
}

const crlRow = (crl: PublishedCrl): CrlRow => ({
  issuer_id: crl.issuerId,
  number: crl.number,
  this_update: timeText(crl.thisUpdate),
  next_update: timeText(crl.nextUpdate),
  sequence: crl.sequence,
  length: crl.length,
  chunks: crl.chunks,
});

const crlOf = (row: CrlRow): PublishedCrl => ({
  issuerId: row.issuer_id,
  number: Number(row.number),
  thisUpdate: timeOf(row.this_update),
  nextUpdate: timeOf(row.next_update),
  sequence: Number(row.sequence),
  length: Number(row.length),
  chunks: Number(row.chunks),
});
