/** Who is at the door of EST, and how that is proven. */

import type { Principal } from './access-policy.ts';

/** Who is at the door, as far as the door can tell. Everything is proven here, nothing before. */
export interface EstCaller {
  /** From a bearer token, X-API-Key or an API client's certificate: authenticated already. */
  readonly principal?: Principal;
  /** HTTP Basic: the name that is to be certified and a one-time enrolment secret. */
  readonly basic?: { readonly user: string; readonly password: string };
  /**
   * DER, leaf first, as the peer or an authenticated proxy presented it: TLS has proven that the
   * peer holds the leaf's key, nothing else has been checked.
   */
  readonly clientCertificate?: readonly Uint8Array[];
}
