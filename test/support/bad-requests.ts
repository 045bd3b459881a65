/** Requests of cars with something wrong in them, and vehicles that another maker has certified. */

import { decodeIso2, encodeIso2 } from '../../src/iso15118/exi/iso2.ts';
import { decodeIso20, encodeIso20 } from '../../src/iso15118/exi/iso20.ts';
import type { XmlSignature } from '../../src/iso15118/exi/xml-signature.ts';
import { curves } from '../../src/pki/curves.ts';
import { writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import type { PncStandard } from '../../src/services/contract-records.ts';
import { type ForeignRoot, foreignRoot } from './foreign-roots.ts';
import { generateKey, issue, leafExtensions, type TestKey, templateFor } from './issuing.ts';
import { freshKey, type SigningKey } from './signed-messages.ts';
import { scalarOf, type Vehicle } from './vehicles.ts';

export const curveOf = (standard: PncStandard): 'P-256' | 'P-521' =>
  standard === 'iso15118-2' ? 'P-256' : 'P-521';

interface Changes {
  readonly signature?: (signature: XmlSignature) => XmlSignature | undefined;
  /** The certificate that signs, DER. */
  readonly certificate?: Uint8Array;
}

/** The EXI of a request that was changed after it was signed. */
export function tampered(
  standard: PncStandard,
  exi: Uint8Array,
  { signature: change = (same) => same, certificate }: Changes,
): Uint8Array {
  const signatureOf = ({ signature }: { readonly signature?: XmlSignature }) => {
    const changed = signature && change(signature);
    return changed ? { signature: changed } : {};
  };
  if (standard === 'iso15118-2') {
    const { header, body } = decodeIso2(exi).message;
    const { sessionId } = header;
    if (body.name !== 'CertificateInstallationReq') throw new Error(`it is a ${body.name}`);
    const oemProvisioningCertificate = certificate ?? body.oemProvisioningCertificate;
    return encodeIso2({
      header: { sessionId, ...signatureOf(header) },
      body: { ...body, oemProvisioningCertificate },
    });
  }
  const { message } = decodeIso20(exi);
  if (message.name !== 'CertificateInstallationReq') throw new Error(`it is a ${message.name}`);
  const { sessionId, timeStamp } = message.header;
  const chain = message.oemProvisioningCertificateChain;
  return encodeIso20({
    ...message,
    header: { sessionId, timeStamp, ...signatureOf(message.header) },
    oemProvisioningCertificateChain: {
      ...chain,
      certificate: certificate ?? chain.certificate,
    },
  });
}

/** The response code of an answer, its session, and whether anybody has signed it. */
export function answered(
  standard: PncStandard,
  exi: Uint8Array,
): { readonly responseCode: string; readonly sessionId: Uint8Array; readonly isSigned: boolean } {
  if (standard === 'iso15118-2') {
    const { header, body } = decodeIso2(exi).message;
    if (!('responseCode' in body)) throw new Error(`it is a ${body.name}`);
    const { sessionId, signature } = header;
    return { responseCode: body.responseCode, sessionId, isSigned: signature !== undefined };
  }
  const { message } = decodeIso20(exi);
  if (message.name !== 'CertificateInstallationRes') throw new Error(`it is a ${message.name}`);
  const { sessionId, signature } = message.header;
  return { responseCode: message.responseCode, sessionId, isSigned: signature !== undefined };
}

/** A root that a maker has outside evpki. */
export const makersRoot = (standard: PncStandard): ForeignRoot => {
  const key = generateKey(curveOf(standard));
  const subject = {
    attributes: [
      { type: 'DC', value: 'OEM' } as const,
      { type: 'CN', value: `Root of a maker, ${standard}` } as const,
    ],
  };
  return foreignRoot({ subject, issuerName: writeName(subject) }, { key });
};

/** A vehicle that this root has certified; registered nowhere. */
export function vehicleBelow(
  { key: signer, certificate: { subject } }: ForeignRoot,
  standard: PncStandard,
  pcid: string,
  {
    key = freshKey(curveOf(standard)),
    domain = 'OEM',
    ...changes
  }: Partial<CertificateTemplate> & { key?: SigningKey; domain?: string } = {},
): Vehicle {
  const template = templateFor(key, signer, {
    issuerName: writeName(subject),
    subject: {
      attributes: [
        { type: 'CN', value: pcid },
        ...(domain ? ([{ type: 'DC', value: domain }] as const) : []),
      ],
    },
    extensions: {
      ...leafExtensions(key, signer),
      keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
    },
    ...changes,
  });
  const { der: certificate } = issue(template, signer);
  return {
    ...{ standard, pcid, certificate, subCertificates: [], signer: key.signer },
    ...{ certificateId: '', registration: '' },
    scalar: scalarFor(key),
  };
}

function scalarFor({ privateKey, publicKey: { algorithm } }: TestKey): Uint8Array {
  const curve = algorithm === 'P-256' || algorithm === 'P-521' ? curves[algorithm] : undefined;
  // Of other keys nobody is asked for one.
  return curve
    ? scalarOf({ privateKey } as Parameters<typeof scalarOf>[0], curve.octets)
    : Uint8Array.of();
}

export const pemOf = (der: Uint8Array): string => toPem('CERTIFICATE', der);
