/**
 * CertificateInstallationReq of ISO 15118-20 as the service takes it: decoded, its certificates
 * read, its signature verified. Whether anybody vouches for the certificate is not asked here.
 */

import { type Emaid, parseEmaid } from '../../identifiers/emaid.ts';
import type { Pcid } from '../../identifiers/pcid.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { PublicKey } from '../../pki/public-key.ts';
import type { RootCertificateId } from '../exi/iso2-messages.ts';
import { decodeIso20 } from '../exi/iso20.ts';
import type { Iso20ResponseCode } from '../exi/iso20-messages.ts';
import type { LenientReading } from '../signature/lenient-readings.ts';
import { type Decoding, decodingOf } from './decoding.ts';
import {
  pcidOf,
  type RequestReading,
  RequestRefusal,
  readCertificateOf,
  readingInTime,
  recipientKey,
  requireSignatureOffLoop,
} from './request-reading.ts';
import { signedInIso20Request } from './signed-elements.ts';

const standard = 'iso15118-20';

export interface Iso20Installation {
  readonly sessionId: Uint8Array;
  /** The provisioning certificate. */
  readonly certificate: Certificate;
  /** As the car has sent them: at most 3, in whatever order. */
  readonly subCertificates: readonly Certificate[];
  readonly pcid: Pcid;
  /** The certificate's: the request is signed by it. Not by itself a key of X448. */
  readonly key: PublicKey;
  /** V2G roots that the car has. Not covered by the signature, nor is anything below. */
  readonly rootCertificateIds: readonly RootCertificateId[];
  /** 0 to 255. */
  readonly maximumContractCertificateChains: number;
  /** In the car's order. Entries that are no EMAID are left out: no contract can have them. */
  readonly prioritizedEmaids: readonly Emaid[];
  /** Those that the signature needed. */
  readonly readings: readonly LenientReading[];
  readonly decoding: Decoding;
}

/**
 * Reads a CertificateInstallationReq. Never throws, whatever the bytes are. The signature is verified
 * on the thread pool.
 * @param exi without V2GTP header
 * @param readings of the signature, beyond the strict one
 */
export const readIso20Installation = (
  exi: Uint8Array,
  readings?: ReadonlySet<LenientReading>,
): Promise<RequestReading<Iso20Installation, Iso20ResponseCode>> =>
  readingInTime(standard, exi, async () => {
    const decoded = decodeIso20(exi);
    const { message } = decoded;
    if (message.name !== 'CertificateInstallationReq') {
      throw new RequestRefusal('request-unexpected', `The message is a ${message.name}.`);
    }
    const chain = message.oemProvisioningCertificateChain;
    const certificate = readCertificateOf('provisioning certificate', chain.certificate);
    const key = recipientKey(standard, certificate);
    const elements = signedInIso20Request(message, decoded.kept);
    const { signature, sessionId } = message.header;
    const needed = await requireSignatureOffLoop({
      ...{ standard, signature, elements, key, readings },
    });
    const subCertificates = (chain.subCertificates ?? []).map((der) =>
      readCertificateOf('certificate above the provisioning certificate', der),
    );
    return {
      sessionId,
      certificate,
      subCertificates,
      pcid: pcidOf(certificate),
      key,
      rootCertificateIds: message.rootCertificateIds,
      maximumContractCertificateChains: message.maximumContractCertificateChains,
      prioritizedEmaids: readableEmaids(message.prioritizedEmaids ?? []),
      readings: needed,
      decoding: decodingOf(decoded),
    };
  });

const readableEmaids = (texts: readonly string[]): readonly Emaid[] =>
  texts.flatMap((text) => {
    const emaid = parseEmaid(text);
    return emaid.ok ? [emaid.value] : [];
  });
