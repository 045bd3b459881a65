/**
 * CertificateInstallationReq and CertificateUpdateReq of ISO 15118-2 as the service takes them:
 * decoded, their certificates read, their signature verified. Whether anybody vouches for the
 * certificate is not asked here.
 */

import { type Emaid, parseEmaid, sameEmaid } from '../../identifiers/emaid.ts';
import type { Pcid } from '../../identifiers/pcid.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { attributeValue } from '../../pki/names.ts';
import type { PublicKey } from '../../pki/public-key.ts';
import { ExiError } from '../exi/exi-error.ts';
import { decodeIso2 } from '../exi/iso2.ts';
import type {
  Iso2Body,
  Iso2Message,
  Iso2ResponseCode,
  RootCertificateId,
} from '../exi/iso2-messages.ts';
import type { LenientReading } from '../signature/lenient-readings.ts';
import { type Decoding, decodingOf } from './decoding.ts';
import {
  pcidOf,
  type RequestReading,
  RequestRefusal,
  readCertificateOf,
  reading,
  recipientKey,
  requireSignature,
} from './request-reading.ts';
import { signedInIso2Request } from './signed-elements.ts';

const standard = 'iso15118-2';

interface Iso2Request {
  readonly sessionId: Uint8Array;
  /** The certificate's: the request is signed by it, and the contract key is encrypted for it. */
  readonly key: PublicKey;
  /** V2G roots that the car has: one of them has to be above the answer's signature. */
  readonly rootCertificateIds: readonly RootCertificateId[];
  /** Those that the signature needed. */
  readonly readings: readonly LenientReading[];
  readonly decoding: Decoding;
}

export interface Iso2Installation extends Iso2Request {
  /** The provisioning certificate. Those above it are not in the message. */
  readonly certificate: Certificate;
  readonly pcid: Pcid;
}

export interface Iso2Update extends Iso2Request {
  /** The old contract certificate. */
  readonly certificate: Certificate;
  /** As the car has sent them: at most 4, in whatever order. */
  readonly subCertificates: readonly Certificate[];
  /** That of the certificate, which is also the message's. */
  readonly emaid: Emaid;
}

/**
 * Reads a CertificateInstallationReq. Never throws, whatever the bytes are.
 * @param exi without V2GTP header
 * @param readings of the signature, beyond the strict one
 */
export const readIso2Installation = (
  exi: Uint8Array,
  readings?: ReadonlySet<LenientReading>,
): RequestReading<Iso2Installation, Iso2ResponseCode> =>
  reading(standard, exi, () => {
    const decoded = decodeIso2(exi);
    const { header, body } = expected(decoded.message, 'CertificateInstallationReq');
    const certificate = readCertificateOf(
      'provisioning certificate',
      body.oemProvisioningCertificate,
    );
    const key = recipientKey(standard, certificate);
    const elements = signedInIso2Request(body, decoded.kept);
    const { signature, sessionId } = header;
    const needed = requireSignature({ standard, signature, elements, key, readings });
    return {
      sessionId,
      certificate,
      pcid: pcidOf(certificate),
      key,
      rootCertificateIds: body.rootCertificateIds,
      readings: needed,
      decoding: decodingOf(decoded),
    };
  });

/** {@link readIso2Installation} for a CertificateUpdateReq, which the old contract key signs. */
export const readIso2Update = (
  exi: Uint8Array,
  readings?: ReadonlySet<LenientReading>,
): RequestReading<Iso2Update, Iso2ResponseCode> =>
  reading(standard, exi, () => {
    const decoded = decodeIso2(exi);
    const { header, body } = expected(decoded.message, 'CertificateUpdateReq');
    const chain = body.contractCertificateChain;
    const certificate = readCertificateOf('contract certificate', chain.certificate);
    const key = recipientKey(standard, certificate);
    const elements = signedInIso2Request(body, decoded.kept);
    const { signature, sessionId } = header;
    const needed = requireSignature({ standard, signature, elements, key, readings });
    const subCertificates = (chain.subCertificates ?? []).map((der) =>
      readCertificateOf('certificate above the contract certificate', der),
    );
    return {
      sessionId,
      certificate,
      subCertificates,
      emaid: emaidOf(certificate, body.emaid),
      key,
      rootCertificateIds: body.rootCertificateIds,
      readings: needed,
      decoding: decodingOf(decoded),
    };
  });

/** Whether it is a CertificateUpdateReq; what cannot be read is none. Nothing is verified. */
export function isIso2Update(exi: Uint8Array): boolean {
  try {
    return decodeIso2(exi).message.body.name === 'CertificateUpdateReq';
  } catch (error) {
    if (error instanceof ExiError) return false;
    throw error;
  }
}

type BodyNamed<Name extends Iso2Body['name']> = Extract<Iso2Body, { readonly name: Name }>;

function expected<Name extends Iso2Body['name']>(
  { header, body }: Iso2Message,
  name: Name,
): { header: Iso2Message['header']; body: BodyNamed<Name> } {
  if (body.name !== name) {
    throw new RequestRefusal('request-unexpected', `The message is a ${body.name}, not a ${name}.`);
  }
  return { header, body: body as BodyNamed<Name> };
}

/** The EMAID of the contract certificate, if the message means the same. */
function emaidOf({ subject }: Certificate, inMessage: string): Emaid {
  const certified = readEmaid('The contract certificate', attributeValue(subject, 'CN') ?? '');
  const asked = readEmaid('The request', inMessage);
  if (sameEmaid(certified, asked)) return certified;
  throw new RequestRefusal(
    'emaid-mismatch',
    `The request is for ${asked.normal}, and its certificate is that of ${certified.normal}.`,
  );
}

function readEmaid(where: string, text: string): Emaid {
  const emaid = parseEmaid(text);
  if (emaid.ok) return emaid.value;
  throw new RequestRefusal('emaid-unreadable', `${where} has no readable EMAID: ${emaid.reason}.`);
}
