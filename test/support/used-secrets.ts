/** Stations that enrol by EST with a one-time secret, as often as somebody asks. */

import { ServiceError } from '../../src/services/errors.ts';
import { type EstEnrolment, estEnrol } from '../../src/services/est.ts';
import type { Services } from './services.ts';

/** A certificate that was handed out; `der` in base64. */
export interface Obtained {
  readonly certificateId: string;
  readonly der: string;
}

/**
 * Sends a request of a station with its secret at the label `cso`.
 * @returns `refused` where the secret has been used for another one, or is being
 */
export async function enrolWithSecret(
  services: Services,
  { commonName, text }: { readonly commonName: string; readonly text: string },
  csr: Uint8Array,
): Promise<Obtained | 'refused'> {
  const asked: EstEnrolment = {
    ...{ label: 'cso', standard: undefined, csr: { ok: true, value: csr } },
    caller: { basic: { user: commonName, password: text } },
  };
  try {
    const answer = await estEnrol(services, asked);
    if (answer.outcome !== 'issued') throw new Error(answer.outcome);
    const der = Buffer.from(answer.certificate.der).toString('base64');
    return { certificateId: answer.certificateId, der };
  } catch (error) {
    const isRefusal =
      error instanceof ServiceError && ['not-authenticated', 'not-ready'].includes(error.code);
    if (isRefusal) return 'refused';
    throw error;
  }
}
