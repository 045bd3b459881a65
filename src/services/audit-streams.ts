/** The part of a verification that walks the streams. */

import { sameBytes } from '../pki/byte-order.ts';
import type { CheckpointHead, CheckpointHeads } from '../pki/checkpoint.ts';
import {
  type ChainedEntry,
  emptyStream,
  examineStream,
  type LedgerBreak,
  type StreamHead,
} from '../pki/ledger.ts';
import { type AuditFindingCode, type Findings, rewritten } from './audit-findings.ts';
import type { AuditStore, AuditStream, CheckpointStore } from './audit-records.ts';

interface StreamParts {
  readonly audit: AuditStore;
  readonly checkpoints: Pick<CheckpointStore, 'readHeads'>;
}

const ENTRIES_PER_PAGE = 500;

/**
 * Verifies every stream that there is, or was.
 * @param covered the heads that the checkpoints speak of
 */
export async function verifyStreams(
  parts: StreamParts,
  covered: CheckpointHeads,
  findings: Findings,
  signal?: AbortSignal,
): Promise<{ streams: number; entries: number }> {
  // Entries before heads: a stream that begins in between has its head when that is looked for.
  const names = new Set(await streamsWithEntries(parts.audit));
  const heads = new Map((await parts.audit.listStreams()).map((head) => [head.stream, head]));
  for (const name of heads.keys()) names.add(name);
  for (const { stream } of covered.all()) names.add(stream);
  let entries = 0;
  for (const name of names) {
    const walk = { name, stored: heads.get(name), covered: covered.get(name) };
    entries += await verifyStream(parts, walk, findings, signal);
  }
  return { streams: names.size, entries };
}

async function streamsWithEntries(audit: AuditStore): Promise<string[]> {
  const names: string[] = [];
  let next = await audit.nextStreamWithEntries('');
  while (next !== undefined) {
    names.push(next);
    next = await audit.nextStreamWithEntries(next);
  }
  return names;
}

interface Walk {
  readonly name: string;
  /** Where the stream says that it ends. */
  readonly stored: AuditStream | undefined;
  /** Where the latest checkpoint has seen it. */
  readonly covered: CheckpointHead | undefined;
}

/** @returns how many entries it has */
async function verifyStream(
  parts: StreamParts,
  { name, stored, covered }: Walk,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (!stored) {
    findings.add('stream-missing', `stream ${name} has no head any more`, { stream: name });
  }
  const end = stored?.sequence ?? Number.MAX_SAFE_INTEGER;
  let head: StreamHead = emptyStream;
  let count = 0;
  // From before the first entry: nothing may stand there either.
  let after = Number.MIN_SAFE_INTEGER;
  while (after < end) {
    signal?.throwIfAborted();
    const page = await parts.audit.readStream(name, after, ENTRIES_PER_PAGE);
    const entries = page.filter(({ sequence }) => sequence <= end);
    const { head: next, breaks } = examineStream(name, entries, head);
    for (const found of breaks) report(findings, name, found);
    await compareWithCheckpoints(parts, name, head, next, entries, findings);
    count += entries.length;
    head = next;
    const last = page.at(-1)?.sequence;
    if (last === undefined || !Number.isSafeInteger(last)) break;
    after = last;
  }
  if (stored) {
    compareWithHead(findings, stored, head);
    await lookBeyond(parts.audit, findings, stored);
  }
  if (covered && covered.sequence > head.sequence) reportCut(findings, name, head, covered);
  return count;
}

const breakCodes = {
  altered: 'entry-altered',
  missing: 'entry-missing',
  unexpected: 'entry-unexpected',
} as const satisfies Record<LedgerBreak['kind'], AuditFindingCode>;

const breakTexts = {
  altered: 'is not what was written, or the one before it is not',
  missing: 'is gone',
  unexpected: 'stands where none was written',
} as const satisfies Record<LedgerBreak['kind'], string>;

function report(findings: Findings, stream: string, { kind, sequence }: LedgerBreak): void {
  const message = `entry ${sequence} of stream ${stream} ${breakTexts[kind]}`;
  findings.add(breakCodes[kind], message, { stream, sequence });
}

/** The heads that checkpoints have seen in this part of the stream have to be entries of it. */
async function compareWithCheckpoints(
  { checkpoints }: StreamParts,
  stream: string,
  from: StreamHead,
  to: StreamHead,
  entries: readonly ChainedEntry[],
  findings: Findings,
): Promise<void> {
  if (to.sequence === from.sequence) return;
  const hashes = new Map(entries.map(({ sequence, hash }) => [sequence, hash]));
  const seen = await checkpoints.readHeads(stream, from.sequence, to.sequence, ENTRIES_PER_PAGE);
  for (const { sequence, hash } of seen) {
    const present = hashes.get(sequence);
    if (present && !sameBytes(present, hash)) findings.add(...rewritten(stream, sequence));
  }
}

function compareWithHead(findings: Findings, stored: AuditStream, last: StreamHead): void {
  const { stream, sequence, hash } = stored;
  if (last.sequence < sequence) reportCut(findings, stream, last, stored);
  else if (!sameBytes(last.hash, hash)) {
    const message = `the head of stream ${stream} is not its entry ${sequence}`;
    findings.add('head-altered', message, { stream, sequence });
  }
}

function reportCut(findings: Findings, stream: string, last: StreamHead, was: StreamHead): void {
  const message = `stream ${stream} ends with entry ${last.sequence}, and had ${was.sequence}`;
  findings.add('stream-truncated', message, { stream, sequence: last.sequence + 1 });
}

/** Entries behind the head are new ones, and then the head has moved on with them. */
async function lookBeyond(
  audit: AuditStore,
  findings: Findings,
  { stream, sequence }: AuditStream,
): Promise<void> {
  const [beyond] = await audit.readStream(stream, sequence, 1);
  if (!beyond) return;
  const now = (await audit.listStreams()).find((one) => one.stream === stream);
  if (now && now.sequence >= beyond.sequence) return;
  report(findings, stream, { kind: 'unexpected', sequence: beyond.sequence });
}
