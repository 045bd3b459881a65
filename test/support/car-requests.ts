/** Requests of cars for tests: those of the vectors, changed and signed anew. */

import { decodeIso2, encodeIso2 } from '../../src/iso15118/exi/iso2.ts';
import type {
  Iso2InstallationRequest,
  Iso2Message,
  Iso2UpdateRequest,
} from '../../src/iso15118/exi/iso2-messages.ts';
import { decodeIso20, encodeIso20 } from '../../src/iso15118/exi/iso20.ts';
import type { Iso20InstallationRequest } from '../../src/iso15118/exi/iso20-messages.ts';
import {
  signedInIso2Request,
  signedInIso20Request,
} from '../../src/iso15118/installation/signed-elements.ts';
import { signElements } from '../../src/iso15118/signature/sign-elements.ts';
import type { SigningKey } from './signed-messages.ts';
import type { Vector } from './vector-messages.ts';
import { fromHex } from './vectors.ts';

export interface Iso2Request extends Iso2Message {
  readonly body: Iso2InstallationRequest | Iso2UpdateRequest;
}

export function iso2RequestOf(vector: Vector): Iso2Request {
  const { header, body } = decodeIso2(fromHex(vector.request.exiHex)).message;
  if (body.name !== 'CertificateInstallationReq' && body.name !== 'CertificateUpdateReq') {
    throw new Error(`${vector.id} has a ${body.name} for its request`);
  }
  return { header, body };
}

export function iso20RequestOf(vector: Vector): Iso20InstallationRequest {
  const { message } = decodeIso20(fromHex(vector.request.exiHex));
  if (message.name === 'CertificateInstallationReq') return message;
  throw new Error(`${vector.id} has a ${message.name} for its request`);
}

/** The EXI of a request, signed with this key. */
export async function signedIso2Request(
  { header, body }: Iso2Request,
  { signer }: SigningKey,
): Promise<Uint8Array> {
  const signature = await signElements('iso15118-2', signedInIso2Request(body), signer);
  return encodeIso2({ header: { ...header, signature }, body });
}

export async function signedIso20Request(
  request: Iso20InstallationRequest,
  { signer }: SigningKey,
): Promise<Uint8Array> {
  const signature = await signElements('iso15118-20', signedInIso20Request(request), signer);
  return encodeIso20({ ...request, header: { ...request.header, signature } });
}
