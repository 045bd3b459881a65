/**
 * An OCSP responder over ports that are made up: two issuers, statuses that "other processes"
 * change, clocks that are set by hand, and gates at which reading and signing wait.
 */

import { createHash, verify } from 'node:crypto';
import type { Status } from '../../src/pki/lifecycle.ts';
import { writeName } from '../../src/pki/names.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import { issuerHashes, type OcspHash } from '../../src/pki/ocsp/hashes.ts';
import { readOcspResponse, type SingleResponse } from '../../src/pki/ocsp/read-response.ts';
import { importPublicKey } from '../../src/pki/public-key.ts';
import { createOcspResponder, type OcspParts } from '../../src/services/ocsp-responder.ts';
import type { OcspSigner, StatusStore } from '../../src/services/revocation-records.ts';
import { type ClockMarkStore, createSigningTime } from '../../src/services/signing-time.ts';
import { capture } from './captured-log.ts';
import { commonName, generateKey, issue, signWith, type TestKey, templateFor } from './issuing.ts';
import { nonceExtension, requestFor } from './ocsp.ts';

export const SECOND = 1_000;
export const DAY = 86_400_000;
/** Half a second into a second, so that rounding shows. */
export const start = new Date('2026-11-22T10:00:00.500Z');

const good: Status = { state: 'issued' };
export const revoked = (at: Date = start): Status => ({
  state: 'revoked',
  reason: 'superseded',
  revokedAt: at,
});

/** A place where the next one who passes waits. */
export interface Gate {
  pass(): Promise<void>;
  /** The next to pass waits: `arrived` tells when it is there, `open` lets it go on. */
  close(): { readonly arrived: Promise<void>; open(): void };
}

export function gate(): Gate {
  const waiting: { arrive: () => void; opened: Promise<void> }[] = [];
  return {
    async pass() {
      const next = waiting.shift();
      next?.arrive();
      await next?.opened;
    },
    close() {
      let open = () => {};
      let arrive = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      waiting.push({ arrive, opened });
      return { arrived, open };
    },
  };
}

/** What the database of the responder is asked, and what it answers. */
export class MadeUpStatuses implements StatusStore {
  /** What is there, by issuer and serial number. */
  readonly #statuses = new Map<string, { status: Status; sequence: number }>();
  readonly #sequences = new Map<string, number>();
  readonly issuers: { id: string; subject: Uint8Array; spki: Uint8Array }[] = [];
  /** As if it were gone. */
  isGone = false;
  /** Passed after reading, before the answer is there. */
  readonly readGate = gate();
  readonly issuersGate = gate();
  readonly counts = { reads: 0, polls: 0, changes: 0, issuers: 0 };
  /** What every answer of the database goes through. */
  delay: <T>(answer: T) => Promise<T> = async (answer) => answer;

  /** Commits a change, as any process would. */
  set(issuerId: string, serial: string, status: Status): number {
    const sequence = (this.#sequences.get(issuerId) ?? 0) + 1;
    this.#sequences.set(issuerId, sequence);
    this.#statuses.set(`${issuerId}/${serial}`, { status, sequence });
    return sequence;
  }

  /** Issuing has no sequence number. */
  issue(issuerId: string, serial: string): void {
    this.#statuses.set(`${issuerId}/${serial}`, { status: good, sequence: 0 });
  }

  async listIssuerKeys() {
    this.counts.issuers += 1;
    const found = this.issuers.map(({ id, ...rest }) => ({
      issuerId: id,
      authorityId: `authority-of-${id}`,
      ...rest,
    }));
    await this.issuersGate.pass();
    return this.#answer(found);
  }

  async readStatus(issuerId: string, serial: string) {
    this.counts.reads += 1;
    const found = {
      sequence: this.#sequences.get(issuerId) ?? 0,
      status: this.#statuses.get(`${issuerId}/${serial}`)?.status,
    };
    await this.readGate.pass();
    const { sequence, status } = await this.#answer(found);
    return status ? { sequence, status } : { sequence };
  }

  async readSequences(issuerIds: readonly string[]) {
    this.counts.polls += 1;
    return this.#answer(new Map(issuerIds.map((id) => [id, this.#sequences.get(id) ?? 0])));
  }

  async readChanges(issuerId: string, after: number, limit: number) {
    this.counts.changes += 1;
    const changes = [...this.#statuses]
      .filter(([key, { sequence }]) => key.startsWith(`${issuerId}/`) && sequence > after)
      .map(([key, { sequence }]) => ({ serial: key.slice(issuerId.length + 1), sequence }))
      .sort((a, b) => a.sequence - b.sequence);
    return this.#answer(changes.slice(0, limit));
  }

  async #answer<T>(answer: T): Promise<T> {
    if (this.isGone) throw new Error('the database is gone');
    return this.delay(answer);
  }
}

/** What an answer says, its signature verified. */
export interface Heard {
  readonly kind: string;
  readonly statuses: readonly string[];
  readonly responses: readonly SingleResponse[];
  readonly nonce: string | undefined;
  readonly shareable: boolean;
  readonly der: string;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly producedAt: Date;
}

const keys = { first: generateKey(), second: generateKey(), responder: generateKey() };

const subjectOf = (id: string) => writeName(commonName(`CA ${id}`));

/** DER of a CertID of one of the issuers. */
export function certIdOf(serial: string, hash: OcspHash = 'sha1', issuerId = 'first'): Uint8Array {
  const key = keys[issuerId as 'first' | 'second'] ?? generateKey();
  const { nameHash, keyHash } = issuerHashes(subjectOf(issuerId), key.publicKey.bits)[hash];
  return writeCertId({
    hashAlgorithm: hash,
    issuerNameHash: Buffer.from(nameHash, 'hex'),
    issuerKeyHash: Buffer.from(keyHash, 'hex'),
    serialNumber: Buffer.from(serial, 'hex'),
  });
}

export interface Question {
  readonly certIds?: readonly Uint8Array[];
  readonly nonce?: Uint8Array;
}

export type TestResponder = ReturnType<typeof madeUpResponder>;

/** A responder of the issuers `first` and `second`; `11aa` and `11bb` are issued by the first. */
export function madeUpResponder(
  changes: { readonly signerEnd?: Date; readonly issuerEnd?: Date } = {},
) {
  const time = { clock: start.getTime(), monotonic: 0 };
  const statuses = new MadeUpStatuses();
  for (const id of ['first', 'second'] as const) {
    statuses.issuers.push({ id, subject: subjectOf(id), spki: keys[id].publicKey.spki });
  }
  statuses.issue('first', '11aa');
  statuses.issue('first', '11bb');
  const signGate = gate();
  const log = capture('debug');
  const counts = { signatures: 0 };
  const signers = new Map<string, { signer: OcspSigner; key: TestKey }>();

  const putSigner = (id: string, notAfter: Date, key: TestKey = keys.responder) => {
    const certificate = issue(templateFor(key, keys.first), keys.first);
    signers.set(id, {
      key,
      signer: {
        id,
        issuerId: 'first',
        keyId: id,
        keyAlgorithm: 'P-256',
        spki: key.publicKey.spki,
        certificate: certificate.der,
        notBefore: new Date(start.getTime() - DAY),
        notAfter,
      },
    });
    return certificate;
  };
  const certificate = putSigner('s1', changes.signerEnd ?? new Date(start.getTime() + 30 * DAY));

  /** What all processes have noted. */
  const mark: { latest?: Date } = {};
  const clock = () => new Date(time.clock);
  const clockMark: ClockMarkStore = {
    findMark: async () => mark.latest,
    note: async (at) => {
      if (mark.latest === undefined || mark.latest < at) mark.latest = at;
      return mark.latest;
    },
    putBack: async () => false,
  };

  const parts = {
    status: statuses,
    profiles: new Map(),
    authorities: {
      findAuthority: async () => undefined,
      findEnvelope: async (keyId: string) => ({
        keyId,
        authorityId: 'a',
        envelope: new Uint8Array(),
      }),
    },
    signers: {
      newestSigner: async () =>
        [...signers.values()]
          .map(({ signer }) => signer)
          .sort((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0],
    },
    keyring: {
      open: async (envelope: { keyId: string }) => ({
        algorithm: 'P-256',
        spki: new Uint8Array(),
        sign: async (message: Uint8Array) => {
          counts.signatures += 1;
          await signGate.pass();
          const key = signers.get(envelope.keyId)?.key ?? keys.responder;
          return statuses.delay(signWith(key, message));
        },
      }),
    },
    issuers: {
      byId: async () => ({
        issuer: { id: 'first', state: 'active' },
        facts: { notAfter: changes.issuerEnd ?? new Date(start.getTime() + 365 * DAY) },
      }),
    },
    clock,
    signingTime: createSigningTime({ clockMark, clock, logger: log.logger }),
    monotonic: () => time.monotonic,
    logger: log.logger,
    // What making a new responder certificate takes: these tests have one.
  } as unknown as OcspParts;
  const responder = createOcspResponder(parts);

  async function ask(question: Question = {}): Promise<Heard> {
    const { certIds = [certIdOf('11aa')], nonce } = question;
    const reply = await responder.answer(
      requestFor(certIds, ...(nonce ? [nonceExtension(nonce)] : [])),
    );
    return heard(reply);
  }

  return {
    responder,
    statuses,
    signGate,
    counts,
    signers,
    mark,
    putSigner,
    certificate,
    log: log.lines,
    ask,
    /** Both clocks go on. */
    pass: (milliseconds: number) => {
      time.clock += milliseconds;
      time.monotonic += milliseconds;
    },
    /** Somebody sets the clock; time itself goes on as it does. */
    setClock: (milliseconds: number) => {
      time.clock += milliseconds;
    },
    now: () => new Date(time.clock),
  };
}

function heard(reply: Awaited<ReturnType<TestResponder['responder']['answer']>>): Heard {
  const response = readOcspResponse(reply.der);
  if (reply.kind === 'error' || response.status !== 'successful') {
    if (reply.kind !== 'error') throw new Error('an answer that is an error');
    if (response.status !== reply.status) throw new Error('an error that is another');
    const none = new Date(0);
    const times = { thisUpdate: none, nextUpdate: none, producedAt: none };
    const der = Buffer.from(reply.der).toString('hex');
    return {
      kind: reply.status,
      statuses: [],
      responses: [],
      nonce: undefined,
      shareable: false,
      der,
      ...times,
    };
  }
  const key = importPublicKey(keys.responder.publicKey);
  if (!verify('sha256', response.tbs, key, response.signature)) throw new Error('a bad signature');
  const { data } = response;
  return {
    kind: 'answer',
    statuses: data.responses.map(({ status }) => status.kind),
    responses: data.responses,
    nonce: data.nonce && Buffer.from(data.nonce).toString('hex'),
    shareable: reply.shareable,
    der: createHash('sha256').update(reply.der).digest('hex'),
    thisUpdate: reply.thisUpdate,
    nextUpdate: reply.nextUpdate,
    producedAt: data.producedAt,
  };
}
