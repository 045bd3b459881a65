/**
 * Making checkpoints of the audit log, and giving them to those who keep them elsewhere. Any
 * process may make the next one: the database decides whose counts.
 */

import {
  CHECKPOINT_KEY,
  type CheckpointHead,
  CheckpointHeads,
  checkpointBytes,
  checkpointHash,
  noCheckpoint,
  type SignedStatement,
  sha256,
} from '../pki/checkpoint.ts';
import { INSTANCE_ORGANIZATION } from './access-policy.ts';
import type { AuditKey, AuditStore, CheckpointStore } from './audit-records.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';
import type { Keyring } from './keyring.ts';
import type { Logger } from './logger.ts';
import type { RandomBytes } from './serial-numbers.ts';

export interface CheckpointParts {
  readonly audit: Pick<AuditStore, 'listStreams'>;
  readonly checkpoints: CheckpointStore;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** The job that makes them. */
export const CHECKPOINT_JOB = 'audit-checkpoint';
const INTERVAL_MILLISECONDS = 60_000;
const ATTEMPTS = 10;

/** Whom the envelopes of these keys are bound to: no authority has a colon in its id. */
const KEY_OWNER = 'evpki:audit';

/** A checkpoint with all that it takes to check it: what an auditor keeps. */
export interface KeptCheckpoint {
  readonly number: number;
  readonly at: string;
  readonly previous: Uint8Array;
  readonly heads: readonly CheckpointHead[];
  /** DER of the public key that it is signed with. */
  readonly spki: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Makes the next checkpoint, unless nothing has been written since the last one.
 * @returns whether one was made
 */
export async function makeCheckpoint(parts: CheckpointParts): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // In this order: the streams are then at least where the latest checkpoint has seen them.
    const latest = await parts.checkpoints.latestCheckpoint();
    const heads = new CheckpointHeads(latest && (await parts.checkpoints.headsAt(latest.number)));
    const changed = await advance(parts, heads);
    if (changed.length === 0) return false;
    const checkpoint = await sign(parts, heads, latest);
    const outcome = await parts.checkpoints.recordCheckpoint({ ...checkpoint, changed });
    if (outcome === 'recorded') return true;
    // Another process was faster; there may be something left that its checkpoint does not cover.
  }
  throw new Error(`${ATTEMPTS} checkpoints were made by others while this one was`);
}

/** As a job. @returns when to look again */
export async function checkpointJob(parts: CheckpointParts): Promise<Date> {
  await makeCheckpoint(parts);
  return new Date(parts.clock().getTime() + INTERVAL_MILLISECONDS);
}

/** The latest checkpoint; undefined while there is none. */
export async function latestCheckpoint(
  parts: Pick<CheckpointParts, 'checkpoints'>,
): Promise<KeptCheckpoint | undefined> {
  const latest = await parts.checkpoints.latestCheckpoint();
  if (!latest) return undefined;
  const { number, at, previous, keySha256, signature } = latest;
  const key = (await parts.checkpoints.listKeys()).find(
    ({ spki }) => Buffer.compare(sha256(spki), keySha256) === 0,
  );
  if (!key) throw new Error(`the key that signed checkpoint ${number} is missing`);
  const heads = await parts.checkpoints.headsAt(number);
  return { number, at, previous, heads, spki: key.spki, signature };
}

/** Opens a key, which proves that this evpki has made it: the database cannot. */
export const openAuditKey = (keyring: Keyring, { keyId, envelope, spki }: AuditKey) =>
  keyring.open({ keyId, authorityId: KEY_OWNER, envelope }, CHECKPOINT_KEY, spki);

/** Takes over where the streams stand now; says it aloud when one of them does not stand there. */
async function advance(parts: CheckpointParts, heads: CheckpointHeads): Promise<CheckpointHead[]> {
  const streams = await parts.audit.listStreams();
  const present = new Set(streams.map(({ stream }) => stream));
  const lost = heads
    .all()
    .map(({ stream }) => stream)
    .filter((stream) => !present.has(stream));
  const changed: CheckpointHead[] = [];
  for (const { stream, sequence, hash } of streams) {
    // A stream without entries has nothing to lose yet.
    if (sequence === 0 && !heads.get(stream)) continue;
    const head = { stream, sequence, hash };
    const outcome = heads.advance(head);
    if (outcome === 'advanced') changed.push(head);
    if (outcome === 'gone-back') lost.push(stream);
  }
  if (lost.length > 0) {
    parts.logger.error('audit-log-damaged', { streams: lost.slice(0, 10), count: lost.length });
  }
  return changed;
}

async function sign(
  parts: CheckpointParts,
  heads: CheckpointHeads,
  latest: SignedStatement | undefined,
): Promise<SignedStatement> {
  const [newest = await createKey(parts)] = await parts.checkpoints.listKeys();
  const signer = await openAuditKey(parts.keyring, newest);
  const statement = {
    number: (latest?.number ?? 0) + 1,
    at: parts.clock().toISOString(),
    previous: latest ? checkpointHash(latest) : noCheckpoint,
    headsHash: heads.hash(),
    keySha256: sha256(newest.spki),
  };
  return { ...statement, signature: await signer.sign(checkpointBytes(statement)) };
}

async function createKey({ keyring, ...parts }: CheckpointParts): Promise<AuditKey> {
  const at = parts.clock();
  const keyId = newId('key', parts.random);
  const { spki, key } = await keyring.generate(CHECKPOINT_KEY, { keyId, authorityId: KEY_OWNER });
  return parts.checkpoints.createKey({
    key: { keyId, spki, envelope: key.envelope, createdAt: at },
    audit: {
      at,
      organizationId: INSTANCE_ORGANIZATION,
      actor: 'evpki',
      action: 'audit.key-created',
      subject: keyId,
      details: { spkiSha256: Buffer.from(sha256(spki)).toString('hex') },
    },
  });
}
