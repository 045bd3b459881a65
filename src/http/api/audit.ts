import { decodeBase64 } from '../../pki/pem.ts';
import type { KeptCheckpoint } from '../../services/audit-checkpoints.ts';
import {
  type AuditLogParts,
  createAuditVerifier,
  findCheckpoint,
  listAuditEntries,
  takeCheckpoint,
} from '../../services/audit-log.ts';
import { ServiceError } from '../../services/errors.ts';
import { instantOf } from '../../services/instants.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type {
  AuditCheckpoint,
  AuditEntry,
  AuditVerification,
  AuditVerificationRequest,
} from './types.ts';
import { untilGone } from './until-gone.ts';

export const auditHandlers = (parts: AuditLogParts) => {
  const verifier = createAuditVerifier(parts);
  return {
    async listAuditEntries(request, response, principal) {
      const { organization, actor, action, subject, since, until, limit, cursor } =
        request.query as Record<string, string | undefined>;
      const page = await listAuditEntries(parts, principal, {
        ...(organization === undefined ? {} : { organization }),
        ...(actor === undefined ? {} : { actor }),
        ...(action === undefined ? {} : { action }),
        ...(subject === undefined ? {} : { subject }),
        ...(since === undefined ? {} : { since: instantOf(since, 'query.since') }),
        ...(until === undefined ? {} : { until: instantOf(until, 'query.until') }),
        ...pageWanted({ limit, cursor }),
      });
      const entries = pageBody(
        page,
        ({ organizationId, details, hash, ...rest }): AuditEntry => ({
          ...rest,
          organization: organizationId,
          details: detailsOf(details),
          hash: hex(hash),
        }),
      );
      response.json(entries);
    },

    async getLatestAuditCheckpoint(_request, response, principal) {
      response.json(checkpointBody(await findCheckpoint(parts, principal)));
    },

    async takeAuditCheckpoint(_request, response, principal) {
      const { checkpoint, isNew } = await takeCheckpoint(parts, principal);
      response.status(isNew ? 201 : 200).json(checkpointBody(checkpoint));
    },

    async verifyAudit(request, response, principal) {
      const { checkpoint } = (request.body ?? {}) as AuditVerificationRequest;
      const kept = checkpoint && keptCheckpoint(checkpoint);
      const gone = untilGone(response);
      try {
        const { findings, ...counts } = await verifier.verify(principal, kept, gone);
        const body: AuditVerification = { ...counts, findings: [...findings] };
        response.json(body);
      } catch (error) {
        if (!gone.aborted) throw error;
      }
    },
  } satisfies Handlers;
};

/** What is stored is JSON, unless somebody else has written there. */
function detailsOf(text: string): Record<string, unknown> {
  try {
    const details: unknown = JSON.parse(text);
    if (typeof details === 'object' && details !== null && !Array.isArray(details)) {
      return { ...details };
    }
  } catch {
    // Shown as it is.
  }
  return { unreadable: text };
}

const checkpointBody = (checkpoint: KeptCheckpoint): AuditCheckpoint => ({
  number: checkpoint.number,
  at: checkpoint.at,
  previous: hex(checkpoint.previous),
  streams: checkpoint.heads.map(({ stream, sequence, hash }) => ({
    stream,
    sequence,
    hash: hex(hash),
  })),
  key: base64(checkpoint.spki),
  signature: base64(checkpoint.signature),
});

const keptCheckpoint = (body: AuditCheckpoint): KeptCheckpoint => ({
  number: body.number,
  at: body.at,
  previous: Buffer.from(body.previous, 'hex'),
  heads: body.streams.map(({ stream, sequence, hash }) => ({
    stream,
    sequence,
    hash: Buffer.from(hash, 'hex'),
  })),
  spki: fromBase64(body.key, 'key'),
  signature: fromBase64(body.signature, 'signature'),
});

function fromBase64(text: string, name: 'key' | 'signature'): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes) return bytes;
  throw new ServiceError('request-malformed', 'the checkpoint is damaged', [
    { code: 'invalid', message: 'is not base64', field: `body.checkpoint.${name}` },
  ]);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
