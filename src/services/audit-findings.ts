/** What a verification of the audit log can find. */

export const auditFindingCodes = {
  'entry-altered': 'The entry, or the one before it, is not what was written.',
  'entry-missing': 'The entry is gone.',
  'entry-unexpected': 'An entry stands where none was written.',
  'entry-rewritten': 'The entry is another one than a checkpoint covers.',
  'head-altered': 'The stored head of the stream is not its last entry.',
  'stream-missing': 'The stream, or its head, is gone.',
  'stream-truncated': 'The end of the stream was cut off.',
  'checkpoint-altered': 'The checkpoint is not what was signed.',
  'checkpoint-missing': 'The checkpoint is gone, or the database is older than it.',
  'checkpoint-forked': 'The database has another checkpoint of this number than was kept.',
  'key-not-ours': 'A key among those that sign checkpoints is not one of this evpki.',
  'kept-key-unknown': 'The kept checkpoint is signed with a key that is not here.',
} as const;

export type AuditFindingCode = keyof typeof auditFindingCodes;

interface Place {
  readonly stream?: string;
  readonly sequence?: number;
  readonly checkpoint?: number;
}

export interface AuditFinding extends Place {
  readonly code: AuditFindingCode;
  readonly message: string;
}

/** Somebody who alters everything must not make us remember everything. */
export const MAX_FINDINGS = 100;

/** Collects findings: each place once, and no more than `MAX_FINDINGS`. */
export class Findings {
  readonly #found = new Map<string, AuditFinding>();

  get none(): boolean {
    return this.#found.size === 0;
  }

  get list(): AuditFinding[] {
    return [...this.#found.values()];
  }

  add(code: AuditFindingCode, message: string, place: Place = {}): void {
    const { stream, sequence, checkpoint } = place;
    const key = JSON.stringify([code, stream, sequence, checkpoint]);
    if (this.#found.has(key) || this.#found.size >= MAX_FINDINGS) return;
    this.#found.set(key, { code, message, ...place });
  }
}

/** An entry that hangs together with its neighbours, but is another than a checkpoint has seen. */
export const rewritten = (stream: string, sequence: number): Parameters<Findings['add']> => [
  'entry-rewritten',
  `entry ${sequence} of stream ${stream} is another one than a checkpoint covers`,
  { stream, sequence },
];
