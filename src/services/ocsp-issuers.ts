/** The issuers that OCSP answers for, found by the hashes by which requests name them. */

import type { OcspCertId } from '../pki/ocsp/cert-id.ts';
import { issuerHashes, ocspHashes } from '../pki/ocsp/hashes.ts';
import type { OcspRequest } from '../pki/ocsp/request.ts';
import { readPublicKey } from '../pki/public-key.ts';
import type { ReadyResponder } from './ocsp-signers.ts';
import type { StatusStore } from './revocation-records.ts';
import type { Monotonic } from './status-confirmation.ts';

/** How often unknown issuers may make us look for new ones. */
const RELOAD_MILLISECONDS = 500;

/** An issuer, and what the responder keeps of it. */
export interface KnownIssuer {
  readonly id: string;
  readonly authorityId: string;
  responder?: Promise<ReadyResponder | undefined> | undefined;
  /** The serial number of the responder's certificate. */
  responderSerial?: string;
  validity?: number;
}

export class OcspIssuers {
  readonly #status: Pick<StatusStore, 'listIssuerKeys'>;
  readonly #monotonic: Monotonic;
  readonly #byHash = new Map<string, KnownIssuer>();
  readonly #byId = new Map<string, KnownIssuer>();
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  #activations = 0;

  constructor(status: Pick<StatusStore, 'listIssuerKeys'>, monotonic: Monotonic) {
    this.#status = status;
    this.#monotonic = monotonic;
  }

  /** Of those that have been looked up. */
  byId(issuerId: string): KnownIssuer | undefined {
    return this.#byId.get(issuerId);
  }

  /** Of those that have been looked up. */
  byHash(certId: OcspCertId): KnownIssuer | undefined {
    return this.#byHash.get(hashKey(certId));
  }

  /** There is a new one: whoever asks for it next has it looked up. */
  activated(): void {
    this.#loadedAt = Number.NEGATIVE_INFINITY;
    this.#activations += 1;
  }

  /** The first issuer of ours that the request names: its responder signs the answer. */
  async namedIn(request: OcspRequest): Promise<KnownIssuer | undefined> {
    const known = () => request.certIds.map((certId) => this.byHash(certId)).find(Boolean);
    // A look-up that runs may have begun before the newest issuer was there: then one more.
    for (let lookUps = 0; lookUps < 2; lookUps++) {
      const found = known();
      if (found) return found;
      if (!this.#loading && this.#monotonic() - this.#loadedAt < RELOAD_MILLISECONDS) {
        return undefined;
      }
      // Whoever asks while they are being looked up waits for that: unauthorized would be wrong.
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
    return known();
  }

  async #load(): Promise<void> {
    const startedAt = this.#monotonic();
    const before = this.#activations;
    const issuers = await this.#status.listIssuerKeys();
    if (this.#activations === before) this.#loadedAt = startedAt;
    for (const { issuerId, authorityId, subject, spki } of issuers) {
      if (this.#byId.has(issuerId)) continue;
      const key = readPublicKey(spki);
      if (!key.ok) continue;
      const issuer: KnownIssuer = { id: issuerId, authorityId };
      this.#byId.set(issuerId, issuer);
      const hashes = issuerHashes(subject, key.value.bits);
      for (const hash of ocspHashes) {
        const { nameHash, keyHash } = hashes[hash];
        this.#byHash.set(`${hash}/${nameHash}/${keyHash}`, issuer);
      }
    }
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const hashKey = ({ hashAlgorithm, issuerNameHash, issuerKeyHash }: OcspCertId): string =>
  `${hashAlgorithm}/${hex(issuerNameHash)}/${hex(issuerKeyHash)}`;
