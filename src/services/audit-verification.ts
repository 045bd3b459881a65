/**
 * Verification of the whole audit log: every entry of every stream, every checkpoint, and a
 * checkpoint that was kept elsewhere. It goes page by page, so that its memory and the time that
 * it holds the event loop do not grow with the log; the log may be written while it runs.
 */

import type { KeyObject } from 'node:crypto';
import { sameBytes } from '../pki/byte-order.ts';
import {
  CHECKPOINT_KEY,
  CheckpointHeads,
  checkpointHash,
  isSignedCheckpoint,
  noCheckpoint,
  type SignedStatement,
  sha256,
} from '../pki/checkpoint.ts';
import { importPublicKey, readPublicKey } from '../pki/public-key.ts';
import { type KeptCheckpoint, openAuditKey } from './audit-checkpoints.ts';
import { type AuditFinding, Findings, rewritten } from './audit-findings.ts';
import type { AuditStore, CheckpointStore } from './audit-records.ts';
import { verifyStreams } from './audit-streams.ts';
import { ServiceError } from './errors.ts';
import type { Keyring } from './keyring.ts';

export interface VerificationParts {
  readonly audit: AuditStore;
  readonly checkpoints: CheckpointStore;
  readonly keyring: Keyring;
}

export interface AuditVerdict {
  /** Whether nothing was found. */
  readonly ok: boolean;
  /** What was looked at. */
  readonly streams: number;
  readonly entries: number;
  readonly checkpoints: number;
  readonly findings: readonly AuditFinding[];
}

const CHECKPOINTS_PER_PAGE = 50;

/** Keys that this evpki has made, by the SHA-256 of their SPKI in hex. */
type OwnKeys = ReadonlyMap<string, KeyObject>;

/**
 * Verifies everything there is.
 * @param kept a checkpoint that was kept where whoever can write to the database could not
 * @param signal ends the work early, with whatever `throwIfAborted` throws
 * @throws ServiceError `kept-checkpoint-invalid`, before anything is looked at, for a kept
 *   checkpoint that does not bear its own signature: it is evidence of nothing
 */
export async function verifyAuditLog(
  parts: VerificationParts,
  kept: KeptCheckpoint | undefined,
  signal?: AbortSignal,
): Promise<AuditVerdict> {
  const statement = kept && requireStatement(kept);
  const findings = new Findings();
  const keys = await ownKeys(parts, findings);
  // Checkpoints first: the streams are read after them, and are at least as far by then.
  const { count: checkpoints, heads } = await verifyCheckpoints(parts, keys, findings, signal);
  const { streams, entries } = await verifyStreams(parts, heads, findings, signal);
  if (kept && statement) await verifyKept(parts, kept, statement, keys, findings);
  return { ok: findings.none, streams, entries, checkpoints, findings: findings.list };
}

/** Whoever writes to the database can put a key there, but not one that opens. */
async function ownKeys(
  { checkpoints, keyring }: VerificationParts,
  findings: Findings,
): Promise<OwnKeys> {
  const keys = new Map<string, KeyObject>();
  for (const key of await checkpoints.listKeys()) {
    const imported = await openAuditKey(keyring, key).then(
      () => checkpointKey(key.spki),
      () => undefined,
    );
    if (imported) keys.set(hex(sha256(key.spki)), imported);
    else findings.add('key-not-ours', `key ${key.keyId} was not made by this evpki`);
  }
  return keys;
}

async function verifyCheckpoints(
  { checkpoints }: VerificationParts,
  keys: OwnKeys,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<{ count: number; heads: CheckpointHeads }> {
  const upTo = (await checkpoints.latestCheckpoint())?.number ?? 0;
  const heads = new CheckpointHeads();
  let headsHold = true;
  let count = 0;
  let number = 0;
  let previous: Uint8Array | undefined = noCheckpoint;
  while (number < upTo) {
    signal?.throwIfAborted();
    const page = await checkpoints.readCheckpoints(number, CHECKPOINTS_PER_PAGE);
    if (page.length === 0) break;
    for (const checkpoint of page.filter((one) => one.number <= upTo)) {
      const place = { checkpoint: checkpoint.number };
      if (checkpoint.number !== number + 1) {
        const missing = { checkpoint: number + 1 };
        findings.add('checkpoint-missing', `checkpoint ${number + 1} is missing`, missing);
      } else if (!previous || !sameBytes(checkpoint.previous, previous)) {
        const what = `checkpoint ${checkpoint.number} does not follow the one before it`;
        findings.add('checkpoint-altered', what, place);
      }
      const key = keys.get(hex(checkpoint.keySha256));
      const isSigned = key !== undefined && isSignedCheckpoint(checkpoint, key);
      if (!isSigned) {
        const what = `checkpoint ${checkpoint.number} is not what evpki has signed`;
        findings.add('checkpoint-altered', what, place);
      }
      for (const head of checkpoint.changed) heads.advance(head);
      // Once they are wrong they stay so: the first place says it.
      if (headsHold && isSigned && !sameBytes(heads.hash(), checkpoint.headsHash)) {
        headsHold = false;
        const what = `the stream heads of checkpoint ${checkpoint.number} are not those it was signed over`;
        findings.add('checkpoint-altered', what, place);
      }
      previous = isSigned ? checkpointHash(checkpoint) : undefined;
      number = checkpoint.number;
      count += 1;
    }
  }
  return { count, heads };
}

async function verifyKept(
  { audit, checkpoints }: VerificationParts,
  kept: KeptCheckpoint,
  statement: SignedStatement,
  keys: OwnKeys,
  findings: Findings,
): Promise<void> {
  const place = { checkpoint: kept.number };
  if (!keys.has(hex(statement.keySha256))) {
    const what =
      'the kept checkpoint is signed with a key that this evpki does not have (any more)';
    findings.add('kept-key-unknown', what, place);
  }
  const stored = await checkpoints.findCheckpoint(kept.number);
  if (!stored) {
    const what = `checkpoint ${kept.number}, which was kept, is not in the database: it is older than that, or was cut`;
    findings.add('checkpoint-missing', what, place);
  } else if (!isSame(stored, statement)) {
    const what = `checkpoint ${kept.number} in the database is another one than was kept: it has taken another course since`;
    findings.add('checkpoint-forked', what, place);
  }
  for (const { stream, sequence, hash } of kept.heads) {
    const entry = await audit.findEntry(stream, sequence);
    if (!entry) findings.add(...(await absence(audit, stream, sequence)));
    else if (!sameBytes(entry.hash, hash)) findings.add(...rewritten(stream, sequence));
  }
}

function requireStatement(kept: KeptCheckpoint): SignedStatement {
  const statement = keptStatement(kept);
  if (statement) return statement;
  throw new ServiceError(
    'kept-checkpoint-invalid',
    `the kept checkpoint ${kept.number} is damaged; the audit log was not looked at`,
  );
}

/** The statement of a kept checkpoint; undefined unless its own signature holds. */
function keptStatement(kept: KeptCheckpoint): SignedStatement | undefined {
  const heads = new CheckpointHeads();
  const isSound = kept.heads.every((head) => heads.advance(head) === 'advanced');
  const key = checkpointKey(kept.spki);
  if (!isSound || !key) return undefined;
  const { number, at, previous, spki, signature } = kept;
  const statement = {
    ...{ number, at, previous, signature },
    headsHash: heads.hash(),
    keySha256: sha256(spki),
  };
  return isSignedCheckpoint(statement, key) ? statement : undefined;
}

function isSame(stored: SignedStatement, kept: SignedStatement): boolean {
  try {
    return sameBytes(checkpointHash(stored), checkpointHash(kept));
  } catch (error) {
    // What is stored is not even a checkpoint.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

async function absence(
  audit: AuditStore,
  stream: string,
  sequence: number,
): Promise<Parameters<Findings['add']>> {
  const [entry] = await audit.readStream(stream, 0, 1);
  const what = entry
    ? `entry ${sequence} of stream ${stream}, which the kept checkpoint covers, is gone`
    : `stream ${stream}, which the kept checkpoint covers, is gone`;
  return [entry ? 'entry-missing' : 'stream-missing', what, { stream, sequence }];
}

function checkpointKey(spki: Uint8Array): KeyObject | undefined {
  const key = readPublicKey(spki);
  return key.ok && key.value.algorithm === CHECKPOINT_KEY ? importPublicKey(key.value) : undefined;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
