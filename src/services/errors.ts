/**
 * The errors of the use cases: one class, one closed set of codes, one table of what each code
 * means at each door, which `error-answers.ts` reads. `docs/errors.md`, the page of the API and the
 * `type` of problem details come from the table.
 */

import type { Violation } from '../pki/violations.ts';

export interface ErrorMeaning {
  /** HTTP status of REST answers. */
  readonly http: number;
  /** HTTP status of OPCP answers where it is neither that of REST nor 400 in place of 422. */
  readonly opcp?: number;
  /** HTTP status of EST answers where it is not that of REST. */
  readonly est?: number;
  /**
   * What a station hears whose SignCertificate ends so: `Rejected` for a request that no decision
   * could make good, `Accepted` for what an operator or the time may put right. Without it the
   * call itself has failed, and the CSMS gets the problem.
   */
  readonly ocpp?: 'Accepted' | 'Rejected';
  /** Exit status of the `evpki` command. */
  readonly exit: number;
  readonly cause: string;
  readonly remedy: string;
}

/** Every error code of evpki. Codes are stable: programs act on them. */
export const errorCodes = {
  'request-malformed': {
    http: 400,
    exit: 2,
    cause: 'The request does not match the API description.',
    remedy: 'Correct the fields listed under `violations`; openapi.yaml describes them.',
  },
  'body-too-large': {
    http: 413,
    exit: 2,
    cause: 'The body is larger than this route accepts.',
    remedy: 'Send one certification request per call, at most 8 KiB of DER.',
  },
  'media-type-unsupported': {
    http: 415,
    exit: 2,
    cause: 'The body is not in a media type that this route reads.',
    remedy: 'Send `Content-Type: application/json`.',
  },
  'not-authenticated': {
    http: 401,
    exit: 3,
    cause: 'The request carries no valid credentials.',
    remedy:
      'Get a token from `POST /oauth/token` and send it as `Authorization: Bearer`, or call with a certificate that is registered for the API client.',
  },
  'grant-type-unsupported': {
    http: 400,
    exit: 2,
    cause: 'Tokens are given for client credentials only (RFC 6749 4.4).',
    remedy: 'Send `grant_type=client_credentials`.',
  },
  'scope-refused': {
    http: 400,
    exit: 2,
    cause: 'The client has not all of the scopes that it asks for.',
    remedy: "Leave `scope` out, or ask for some of the client's roles.",
  },
  'client-certificate-unreadable': {
    http: 400,
    exit: 2,
    cause: 'The client certificate, or the header in which a proxy passes it on, cannot be read.',
    remedy:
      'Present one certificate and at most nine above it; docs/client-certificates.md shows the headers.',
  },
  'proxy-not-trusted': {
    http: 403,
    exit: 3,
    cause: 'A client certificate was passed on by somebody who is none of the proxies that may.',
    remedy:
      'Have the proxy present a certificate of `EVPKI_PROXY_CERTIFICATES`; others must not send the header.',
  },
  'web-page-refused': {
    http: 403,
    exit: 3,
    cause:
      'A web page asked for a change, for which nothing but the client certificate of its reader speaks.',
    remedy:
      'Ask with a program; if yours is one, have it send neither `Origin` nor `Sec-Fetch-Site`, or a token.',
  },
  'not-permitted': {
    http: 403,
    exit: 3,
    cause: "None of the caller's roles permits this action.",
    remedy: 'Ask an administrator for a role that permits it; policies/access.yaml lists them.',
  },
  'not-found': {
    http: 404,
    exit: 4,
    cause: 'There is nothing by this name that the caller may see.',
    remedy: 'Check the id, and that it belongs to your organization.',
  },
  'method-not-allowed': {
    http: 405,
    exit: 2,
    cause: 'The path exists but not with this method.',
    remedy: 'Use one of the methods in the `Allow` header.',
  },
  conflict: {
    http: 409,
    exit: 5,
    cause: 'The state of the resource does not allow this.',
    remedy: 'Read the resource again and decide anew.',
  },
  'idempotency-key-reused': {
    http: 409,
    exit: 5,
    cause: 'This Idempotency-Key came with another request before.',
    remedy: 'Use a new key for a new request; the old one only for the very same path and body.',
  },
  'idempotency-key-in-use': {
    http: 409,
    exit: 7,
    cause: 'A request with this Idempotency-Key is still being worked on.',
    remedy: 'Send the same request with the same key again later.',
  },
  'idempotency-keys-used-up': {
    http: 429,
    exit: 7,
    cause: 'The caller has as many Idempotency-Keys on record as are kept for it.',
    remedy: 'Send the request without a key, or wait: each key is forgotten after 24 hours.',
  },
  'answer-not-kept': {
    http: 409,
    exit: 5,
    cause: 'The request was carried out before; its answer was too large to be kept.',
    remedy: 'Read the resource that the first answer told about.',
  },
  'csr-refused': {
    http: 422,
    ocpp: 'Accepted',
    exit: 6,
    cause: 'The certification request was understood and refused by policy.',
    remedy: 'Correct what `violations` lists and send a new request.',
  },
  'csr-unreadable': {
    http: 400,
    ocpp: 'Rejected',
    exit: 6,
    cause:
      'The certification request cannot be read, its signature does not hold, or nobody certifies its key.',
    remedy:
      'Send a PKCS#10 request, as PEM or base64 DER, signed by its own key; `violations` says what is wrong.',
  },
  'request-rejected': {
    http: 422,
    ocpp: 'Accepted',
    exit: 6,
    cause: 'Somebody who approves requests has rejected this one, or its requester took it back.',
    remedy: 'Do as their reason says, and ask with a new certification request.',
  },
  'approval-own-request': {
    http: 403,
    exit: 3,
    cause: 'Nobody approves a request of their own.',
    remedy: 'Ask somebody else whose role permits `requests:approve` or `proposals:approve`.',
  },
  'approver-not-independent': {
    http: 403,
    exit: 3,
    cause: 'The approver has made the API client that proposed it, or was made by it.',
    remedy:
      'Ask somebody else who may approve; two whom one administrator has made can propose and approve.',
  },
  'export-of-other': {
    http: 403,
    exit: 3,
    cause:
      'Somebody else has proposed this export, and nobody else collects it, whatever their role.',
    remedy: 'Ask who proposed it to collect it, or propose another one.',
  },
  'proposal-changed': {
    http: 409,
    exit: 5,
    cause:
      'The proposal is not the one that its approver has seen, or not on record as it was made.',
    remedy: 'Look at it again; approve with its `sha256` what you agree to, or reject it.',
  },
  'proposal-refused': {
    http: 409,
    exit: 5,
    cause: 'What was proposed is not allowed, or not possible, any more; nothing has changed.',
    remedy: 'Reject it; whoever still wants it proposes it anew.',
  },
  'certificate-not-renewable': {
    http: 409,
    est: 403,
    exit: 5,
    cause:
      'The certificate is held, revoked, long expired, not yet to be renewed, or one that evpki renews by itself.',
    remedy: 'Have a new one issued with `POST /v1/certificates`, or lift the hold.',
  },
  'est-label-unknown': {
    http: 404,
    exit: 4,
    cause: 'The path names no label of EST that the caller can mean, or none where one is needed.',
    remedy:
      'Use the label of a role (`cpo`, `mo`, `oem`, `veh`, `cps`, `cso`) that your organization has authorities for, or one of policies/est.yaml.',
  },
  'est-label-ambiguous': {
    http: 404,
    exit: 4,
    cause: 'Several organizations have authorities for this label, and nobody knows who asks.',
    remedy:
      'Authenticate, use a label of policies/est.yaml, or declare there whose it is for those who do not.',
  },
  'station-unknown': {
    http: 422,
    est: 403,
    exit: 6,
    cause: 'The common name is none of a station that is registered with the organization.',
    remedy:
      'Register the station, with the name as its identity, serial number, SECC id or EVSE id.',
  },
  'name-not-authenticated': {
    http: 403,
    exit: 6,
    cause: 'The request is for somebody else than the secret or client certificate is of.',
    remedy: 'Ask for the common name that the secret was made for, or that the certificate has.',
  },
  'approval-needed': {
    http: 403,
    exit: 6,
    cause:
      'Somebody would have to approve the request, and its label of EST lets nothing wait: clients take nothing but a certificate.',
    remedy:
      'Register the station, ask as somebody who may vouch for the name, ask by REST, or set `pending: answer-202` for the label.',
  },
  'profile-unknown': {
    http: 422,
    est: 404,
    ocpp: 'Accepted',
    exit: 6,
    cause: 'No profile has this name.',
    remedy: 'Use a name from `GET /v1/profiles`.',
  },
  'authority-unknown': {
    http: 422,
    est: 404,
    ocpp: 'Accepted',
    exit: 6,
    cause: 'No authority that the caller may use has this name or issues this profile.',
    remedy: 'Use an id from `GET /v1/authorities`.',
  },
  'authority-ambiguous': {
    http: 422,
    est: 404,
    ocpp: 'Accepted',
    exit: 6,
    cause: 'Several authorities could issue this profile.',
    remedy: 'Name one of them as `authority`.',
  },
  'authority-not-active': {
    http: 409,
    est: 503,
    ocpp: 'Accepted',
    exit: 5,
    cause: 'The authority awaits its certificate, is retired or revoked.',
    remedy: 'Activate it, or use another authority.',
  },
  'authority-not-granted': {
    http: 409,
    exit: 5,
    cause:
      'The authority above is of another organization, which grants nothing under it (any more).',
    remedy: 'Ask its owner for a grant: `PUT /v1/authorities/{id}/grants/{organization}`.',
  },
  'certificate-not-fitting': {
    http: 422,
    exit: 6,
    cause: "The certificate does not fit the authority's key, name, profile or chain.",
    remedy: 'Have the request of `GET /v1/authorities/{id}/csr` signed again as `violations` says.',
  },
  'client-certificate-refused': {
    http: 422,
    exit: 6,
    cause: 'The certificate is none that an API client can log in with.',
    remedy:
      'Correct what `violations` lists: bring one certificate that holds and may identify a client.',
  },
  'export-refused': {
    http: 422,
    exit: 6,
    cause: 'Nothing is exported below this authority, or not as it was asked for.',
    remedy: 'Correct what `violations` lists; docs/profiles.md says what is exported below what.',
  },
  'import-refused': {
    http: 422,
    exit: 6,
    cause: 'A certificate is not one that this exported authority has signed; none was imported.',
    remedy: 'Leave out those that `violations` lists.',
  },
  'root-refused': {
    http: 422,
    exit: 6,
    cause: 'The root cannot be cross-certified, or imported as a trust anchor.',
    remedy: 'Correct what `violations` lists: bring the one certificate that it has signed itself.',
  },
  'vehicle-unknown': {
    http: 422,
    opcp: 404,
    exit: 6,
    cause: 'No valid provisioning certificate is registered for this PCID and standard.',
    remedy: 'Check the PCID; its maker registers the provisioning certificate.',
  },
  'emaid-not-allowed': {
    http: 422,
    opcp: 403,
    est: 403,
    exit: 6,
    cause: "The EMAID's country and provider are none of the organization's.",
    remedy: 'Have them added to the `providers` of the organization, or use another EMAID.',
  },
  'operator-not-allowed': {
    http: 422,
    opcp: 403,
    est: 403,
    exit: 6,
    cause: 'The EVSE or SECC id is that of an operator which is none of the organization’s.',
    remedy: 'Have it added to the `operators` of the organization, or use another id.',
  },
  'recipient-unfitting': {
    http: 422,
    exit: 6,
    cause: 'A contract of this standard cannot be encrypted for the key of this vehicle.',
    remedy: 'ISO 15118-2 needs a P-256 key, ISO 15118-20 P-521, or Ed448 with an X448 key.',
  },
  'bundle-refused': {
    http: 422,
    exit: 6,
    cause: 'The bundle that was made elsewhere does not fit its contract, standard or vehicle.',
    remedy: 'Correct what `violations` lists and bring it again.',
  },
  'contract-exists': {
    http: 409,
    exit: 5,
    cause: 'The EMAID has a contract for this vehicle and standard that has not ended.',
    remedy: 'Renew it, or end it first.',
  },
  'contract-not-active': {
    http: 409,
    exit: 5,
    cause: 'The contract is suspended or has ended, or its certificate is on hold or revoked.',
    remedy: 'Resume the contract, renew it, or create a new one.',
  },
  'contract-external': {
    http: 409,
    exit: 5,
    cause: 'The bundles of the contract are made elsewhere, or it is one whose bundles are not.',
    remedy: 'Bring a bundle for those that are brought; have the others renewed.',
  },
  'bundle-outrun': {
    http: 409,
    exit: 7,
    cause: 'Another bundle of the contract is being made at this moment.',
    remedy: 'Try again in a moment; after a process was killed, in a minute.',
  },
  'provisioning-certificate-refused': {
    http: 422,
    exit: 6,
    cause:
      'The provisioning certificate is not one that its organization can register: itself, its chain or its vehicle.',
    remedy:
      'Correct what `violations` lists; WMIs and trust anchors are for administrators to add.',
  },
  'kept-checkpoint-invalid': {
    http: 422,
    exit: 2,
    cause: 'The kept checkpoint does not bear its own signature: this copy of it is damaged.',
    remedy: 'Use another copy or another checkpoint; about the audit log this says nothing.',
  },
  'declaration-invalid': {
    http: 422,
    exit: 2,
    cause: 'A hierarchy, profile or configuration file has errors.',
    remedy: 'Correct the listed places in the file.',
  },
  'revocation-refused': {
    http: 422,
    exit: 6,
    cause: 'The reason is none that this certificate can be revoked for.',
    remedy: 'Use another reason; authorities take cACompromise, leaves can be put on hold.',
  },
  'bootstrap-used': {
    http: 409,
    exit: 5,
    cause: 'The first administrator exists already, or the bootstrap secret has expired.',
    remedy: 'Ask an existing administrator for an API client.',
  },
  'too-many-requests': {
    http: 429,
    exit: 7,
    cause: 'The caller has used up its budget of requests.',
    remedy: 'Wait as long as `Retry-After` says.',
  },
  'not-ready': {
    http: 503,
    ocpp: 'Accepted',
    exit: 7,
    cause: 'The service is starting, stopping, or cannot reach its database.',
    remedy: 'Try again; look at `GET /health/ready`.',
  },
  'declarations-superseded': {
    http: 503,
    ocpp: 'Accepted',
    exit: 7,
    cause: 'A process that was started later has other profiles or roles, which are in force now.',
    remedy: 'Start this process again with the same `policies/` as the others.',
  },
  'clock-went-back': {
    http: 503,
    ocpp: 'Accepted',
    exit: 7,
    cause: 'The clock is behind the time at which something was signed already: nothing is signed.',
    remedy:
      'Set the clock right; if it was wrong before, start with `EVPKI_CLOCK_PUT_BACK` as the log says.',
  },
  internal: {
    http: 500,
    exit: 70,
    cause: 'Something failed that is not the caller’s fault.',
    remedy: 'Look in the log for the request id of the answer.',
  },
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof errorCodes;

/** A violation of the API contract, beside those of certification requests. */
export interface FieldViolation {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

/** What a use case refuses to do, and why. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly violations: readonly (Violation | FieldViolation)[];

  constructor(
    code: ErrorCode,
    message: string,
    violations: readonly (Violation | FieldViolation)[] = [],
  ) {
    super(message);
    this.code = code;
    this.violations = violations;
  }
}
