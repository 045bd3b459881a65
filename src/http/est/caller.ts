/**
 * Who calls, as far as it shows at the door: a token or a registered certificate is looked up here,
 * a secret or another certificate is proven by the service, which knows the label. A named
 * credential decides alone; the certificate of the connection then only says what is renewed.
 */

import type { IncomingMessage } from 'node:http';
import type { Principal } from '../../services/access-policy.ts';
import { ServiceError } from '../../services/errors.ts';
import type { EstCaller } from '../../services/est-callers.ts';
import { namedCredential } from './credentials.ts';

export type Purpose = 'enrolment' | 'other';

export interface CallerParts {
  /**
   * Who holds this bearer token, which may be bound to the certificate (RFC 8705 3); throws
   * ServiceError `not-authenticated`.
   */
  readonly authenticate: (presented: {
    readonly bearerToken: string;
    readonly certificates?: readonly Uint8Array[];
  }) => Promise<Principal>;
  /** The API client that has registered this certificate, if any has. */
  readonly authenticateCertificate: (
    chain: readonly Uint8Array[],
  ) => Promise<Principal | undefined>;
  /**
   * What the peer presented, or the proxy says that its client has: DER, leaf first. Throws
   * ServiceError where a header says so that nobody vouches for.
   */
  readonly clientCertificate: (
    request: IncomingMessage,
  ) => Promise<readonly Uint8Array[] | undefined>;
  /** Both throw ServiceError `too-many-requests`. */
  readonly limits: {
    takeFromClient(actor: string, purpose: Purpose): void;
    takeFromAddress(address: string | undefined): void;
  };
}

/**
 * Finds out who calls, and counts the call: against the client where that is proven, against the
 * address otherwise, before anything is spent on what has still to be proven.
 * @returns nothing of anybody where no credential is named or presented
 * @throws NotAuthenticated, or ServiceError of the parts
 */
export async function callerOf(
  parts: CallerParts,
  request: IncomingMessage,
  purpose: Purpose,
): Promise<EstCaller> {
  const { limits } = parts;
  const takeFromAddress = () => limits.takeFromAddress(request.socket.remoteAddress);
  const { credential, clientCertificate } = await presented(parts, request, takeFromAddress);
  const certificate = clientCertificate ? { clientCertificate } : {};

  if (credential?.kind === 'token') {
    const bound = clientCertificate ? { certificates: clientCertificate } : {};
    const principal = await counted(
      parts.authenticate({ bearerToken: credential.token, ...bound }),
      takeFromAddress,
    );
    limits.takeFromClient(principal.actor, purpose);
    return { principal, ...certificate };
  }
  takeFromAddress();
  if (credential) {
    const { user, password } = credential;
    return { basic: { user, password }, ...certificate };
  }
  if (!clientCertificate) return {};
  const principal = await parts.authenticateCertificate(clientCertificate);
  if (!principal) return certificate;
  limits.takeFromClient(principal.actor, purpose);
  return { principal, ...certificate };
}

const presented = (parts: CallerParts, request: IncomingMessage, failed: () => void) =>
  counted(
    (async () => ({
      credential: namedCredential(request),
      clientCertificate: await parts.clientCertificate(request),
    }))(),
    failed,
  );

/** Failing to say who one is counts against the address, as in the API. */
async function counted<T>(attempt: Promise<T>, failed: () => void): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof ServiceError) failed();
    throw error;
  }
}
