/** Asking servers of others: the port of the one fetcher that there is (W7). */

/** Why nothing was asked, or no answer came that could be used. */
export type OutboundFailure =
  /** No absolute http or https URL, or one with a user, or with a fragment. */
  | 'url-invalid'
  /** Nobody has allowed this host. */
  | 'host-not-allowed'
  /** It has an address that is not of the public internet. */
  | 'address-not-public'
  /** It has no address, or its resolver has told none in time. */
  | 'host-unknown'
  | 'unreachable'
  /** Its certificate is not one for this host that we trust. */
  | 'tls-failed'
  | 'timed-out'
  /** It wants somebody else to be asked. */
  | 'redirected'
  | 'answer-too-large';

export interface OutboundRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /**
   * `listed`: hosts that the operator has listed, for URLs out of certificates and messages.
   * `public`: any host of the public internet, for URLs that somebody with a role has registered.
   */
  readonly reach: 'listed' | 'public';
  /** From the first question for its address to the last octet of its answer. */
  readonly timeoutMilliseconds: number;
  /** Octets of the largest body that is read. */
  readonly maximumBody: number;
}

export type OutboundAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      /** By lower-case name. */
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: Uint8Array;
    }
  | { readonly ok: false; readonly failure: OutboundFailure };

/** Asks once; never throws for what the other side does. */
export type AskOutbound = (request: OutboundRequest) => Promise<OutboundAnswer>;
