/** The operations of EST: with which method and for whom, and what each answers. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { readRequestBody } from '../../pki/request-body.ts';
import { ServiceError } from '../../services/errors.ts';
import type { EstEnrolment, estCaCertificates, estServerKeygen } from '../../services/est.ts';
import type { EstLabel, EstQuestion } from '../../services/est-labels.ts';
import type { EnrolmentAnswer } from '../../services/request-answers.ts';
import {
  type Layout,
  sendCertificates,
  sendCsrAttributes,
  sendKey,
  sendPending,
} from './answers.ts';
import { readBody } from './body.ts';
import { tlsUniqueOf } from './channel.ts';
import type { EstAddress, EstOperation } from './paths.ts';

/** What the door asks; see `services/est.ts`. */
export interface EstService {
  readonly label: (question: EstQuestion) => Promise<EstLabel>;
  readonly caCertificates: (
    question: Parameters<typeof estCaCertificates>[1],
  ) => Promise<readonly Uint8Array[]>;
  readonly enrol: (asked: EstEnrolment) => Promise<EnrolmentAnswer>;
  readonly reenrol: (asked: EstEnrolment) => Promise<EnrolmentAnswer>;
  readonly serverKeygen: (asked: EstEnrolment) => ReturnType<typeof estServerKeygen>;
  readonly csrAttributes: (question: EstQuestion) => Promise<Uint8Array | undefined>;
  /** Puts on record that a body is not read, and why, which it throws. */
  readonly unread: (question: EstQuestion, error: ServiceError) => Promise<never>;
}

/** One request whose caller may have it carried out. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: EstAddress;
  readonly question: EstQuestion;
  /** Asked for when there is an answer: what is refused before, the service puts on record. */
  readonly layout: () => Promise<Layout>;
}

interface Operation {
  readonly method: 'GET' | 'POST';
  /** The name that metrics have. */
  readonly id: string;
  /** What a principal needs a role for; without it anybody may ask (RFC 7030 4.1.1, 4.5.1). */
  readonly action?: string;
  readonly handle: (service: EstService, asked: Asked) => Promise<void>;
}

export const operations: Readonly<Record<EstOperation, Operation>> = {
  cacerts: {
    method: 'GET',
    id: 'estCacerts',
    async handle(service, { response, address: { keyAlgorithm }, question, layout }) {
      const certificates = await service.caCertificates({
        ...question,
        ...(keyAlgorithm === undefined ? {} : { keyAlgorithm }),
      });
      sendCertificates(response, certificates, await layout());
    },
  },
  csrattrs: {
    method: 'GET',
    id: 'estCsrattrs',
    async handle(service, { response, question, layout }) {
      const attributes = await service.csrAttributes(question);
      sendCsrAttributes(response, attributes, await layout());
    },
  },
  simpleenroll: {
    method: 'POST',
    id: 'estSimpleenroll',
    action: 'est:enrol',
    async handle(service, asked) {
      await sendAnswer(asked, await service.enrol(await enrolmentOf(service, asked)));
    },
  },
  simplereenroll: {
    method: 'POST',
    id: 'estSimplereenroll',
    action: 'est:reenrol',
    async handle(service, asked) {
      await sendAnswer(asked, await service.reenrol(await enrolmentOf(service, asked)));
    },
  },
  serverkeygen: {
    method: 'POST',
    id: 'estServerkeygen',
    action: 'est:generate',
    async handle(service, asked) {
      const { answer, privateKey } = await service.serverKeygen(await enrolmentOf(service, asked));
      sendKey(asked.response, privateKey, answer.certificate.der);
    },
  },
};

async function enrolmentOf(
  service: EstService,
  { request, question }: Asked,
): Promise<EstEnrolment> {
  const tlsUnique = tlsUniqueOf(request.socket);
  const body = await readBody(request).catch((error: unknown) => {
    if (error instanceof ServiceError) return service.unread(question, error);
    throw error;
  });
  const csr = readRequestBody(body);
  return { ...question, csr, ...(tlsUnique === undefined ? {} : { tlsUnique }) };
}

/** The leaf alone: those above it are at cacerts. */
async function sendAnswer({ response, layout }: Asked, answer: EnrolmentAnswer): Promise<void> {
  if (answer.outcome === 'waiting') sendPending(response, answer.requestId);
  else sendCertificates(response, [answer.certificate.der], await layout());
}
