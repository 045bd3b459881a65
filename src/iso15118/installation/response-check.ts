/**
 * The car's side of an answer: what it can say about CertificateInstallationRes and
 * CertificateUpdateRes before it validates paths and decrypts the key. The signature is that of the
 * CPS over the elements that the standard wants signed, and the CPS certificate says that it is one
 * (DC=CPS [V2G2-891]).
 */

import { parseEmaid, sameEmaid } from '../../identifiers/emaid.ts';
import { sameBytes } from '../../pki/byte-order.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { DerError } from '../../pki/der-element.ts';
import { foreignKeyViolation } from '../../pki/foreign-key.ts';
import { attributeValue } from '../../pki/names.ts';
import { ExiError } from '../exi/exi-error.ts';
import { decodeIso2 } from '../exi/iso2.ts';
import type { Iso2ResponseCode } from '../exi/iso2-messages.ts';
import { decodeIso20 } from '../exi/iso20.ts';
import type { Iso20ResponseCode, SignedInstallationData } from '../exi/iso20-messages.ts';
import type { XmlSignature } from '../exi/xml-signature.ts';
import type { LenientReading } from '../signature/lenient-readings.ts';
import type { Standard } from '../signature/signature-profile.ts';
import type { SignedElement } from '../signature/signed-element.ts';
import { type SignatureFault, verifySignature } from '../signature/verify-signature.ts';
import type { Iso2ResponseName } from './iso2-response.ts';
import { signedInIso2Response, signedInIso20Response } from './signed-elements.ts';

/** Why a car does not take an answer. The names are stable. */
export const responseFaults = {
  'response-unreadable': 'The answer is not EXI of its schema.',
  'response-unexpected': 'It is an answer to something else.',
  'session-other': 'It is an answer in another session.',
  'response-ongoing': 'It is not the answer yet: the car has to ask again.',
  'response-failed': 'There is no contract: the response code says why.',
  'certificate-unreadable': 'One of its certificates is not a certificate in DER.',
  'domain-missing': 'The signer is not a CPS: its certificate has no DC=CPS [V2G2-891].',
  'signature-invalid': 'It is not signed as the standard wants it, or not by this CPS.',
  'emaid-mismatch': 'The EMAID is not that of the contract certificate.',
} as const;
export type ResponseFault = keyof typeof responseFaults;

export type ResponseCheck<Response, Code> =
  | { readonly ok: true; readonly response: Response }
  | {
      readonly ok: false;
      readonly reason: ResponseFault;
      readonly message: string;
      /** Where the reason is `response-failed`. */
      readonly responseCode?: Code;
      /** Where the reason is `signature-invalid`. */
      readonly signatureFault?: SignatureFault;
    };

interface Chain {
  readonly certificate: Certificate;
  /** In the order of the message. */
  readonly subCertificates: readonly Certificate[];
}

interface InstalledContract {
  readonly contract: Chain;
  readonly cps: Chain;
  readonly dhPublicKey: Uint8Array;
  /** Those that the signature needed. */
  readonly readings: readonly LenientReading[];
}

export interface Iso2Installed extends InstalledContract {
  readonly encryptedPrivateKey: Uint8Array;
  /** As it is in the message. */
  readonly emaid: string;
}

export interface Iso20Installed extends InstalledContract {
  readonly ecdhCurve: SignedInstallationData['ecdhCurve'];
  readonly encryptedPrivateKey: SignedInstallationData['encryptedPrivateKey'];
  readonly remainingContractCertificateChains: number;
}

export interface ResponseQuestion {
  readonly exi: Uint8Array;
  /** That of the request. */
  readonly sessionId: Uint8Array;
  /** Of the signature, beyond the strict one. */
  readonly readings?: ReadonlySet<LenientReading> | undefined;
}

/** Checks an answer of ISO 15118-2. Never throws, whatever the bytes are. */
export const checkIso2Response = (
  name: Iso2ResponseName,
  question: ResponseQuestion,
): ResponseCheck<Iso2Installed, Iso2ResponseCode> =>
  checking(() => {
    const { header, body } = decodeIso2(question.exi).message;
    if (body.name !== name) throw new Refusal('response-unexpected', `It is a ${body.name}.`);
    checkSession(header.sessionId, question);
    checkCode(body.responseCode);
    const { cps, readings } = checkSigner(
      'iso15118-2',
      body.provisioningCertificateChain,
      signedInIso2Response(body),
      header.signature,
      question,
    );
    const contract = readChain(body.contractCertificateChain);
    const emaid = body.emaid.value;
    checkEmaid(contract.certificate, emaid);
    return {
      contract,
      cps,
      encryptedPrivateKey: body.encryptedPrivateKey.value,
      dhPublicKey: body.dhPublicKey.value,
      emaid,
      readings,
    };
  });

/** Checks an answer of ISO 15118-20. Never throws, whatever the bytes are. */
export const checkIso20Response = (
  question: ResponseQuestion,
): ResponseCheck<Iso20Installed, Iso20ResponseCode> =>
  checking(() => {
    const { message } = decodeIso20(question.exi);
    if (message.name !== 'CertificateInstallationRes') {
      throw new Refusal('response-unexpected', `It is a ${message.name}.`);
    }
    checkSession(message.header.sessionId, question);
    checkCode(message.responseCode);
    if (message.evseProcessing !== 'Finished') throw new Refusal('response-ongoing');
    const { cps, readings } = checkSigner(
      'iso15118-20',
      message.cpsCertificateChain,
      signedInIso20Response(message),
      message.header.signature,
      question,
    );
    const { contractCertificateChain, ecdhCurve, dhPublicKey, encryptedPrivateKey } =
      message.signedInstallationData;
    return {
      contract: readChain(contractCertificateChain),
      cps,
      ecdhCurve,
      encryptedPrivateKey,
      dhPublicKey,
      remainingContractCertificateChains: message.remainingContractCertificateChains,
      readings,
    };
  });

/** What goes into a {@link ResponseCheck} that is not ok, beside its reason. */
type Circumstance<Code> = Pick<
  Extract<ResponseCheck<never, Code>, { readonly ok: false }>,
  'responseCode' | 'signatureFault'
>;

class Refusal extends Error {
  readonly reason: ResponseFault;
  readonly circumstance: Circumstance<unknown>;

  constructor(reason: ResponseFault, detail?: string, circumstance: Circumstance<unknown> = {}) {
    super(detail === undefined ? responseFaults[reason] : `${responseFaults[reason]} ${detail}`);
    this.reason = reason;
    this.circumstance = circumstance;
  }
}

function checking<Response, Code>(check: () => Response): ResponseCheck<Response, Code> {
  try {
    return { ok: true, response: check() };
  } catch (error) {
    const { reason, message, circumstance } = asRefusal(error);
    return { ok: false, reason, message, ...(circumstance as Circumstance<Code>) };
  }
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ExiError) return new Refusal('response-unreadable', error.message);
  if (error instanceof DerError) return new Refusal('certificate-unreadable', error.message);
  throw error;
}

function checkSession(answered: Uint8Array, { sessionId }: ResponseQuestion): void {
  if (!sameBytes(answered, sessionId)) throw new Refusal('session-other');
}

function checkCode(responseCode: Iso2ResponseCode | Iso20ResponseCode): void {
  if (responseCode.startsWith('OK')) return;
  throw new Refusal('response-failed', `It is ${responseCode}.`, { responseCode });
}

interface ReceivedChain {
  readonly certificate: Uint8Array;
  readonly subCertificates?: readonly Uint8Array[];
}

const readChain = ({ certificate, subCertificates = [] }: ReceivedChain): Chain => ({
  certificate: readCertificate(certificate),
  subCertificates: subCertificates.map(readCertificate),
});

function checkSigner(
  standard: Standard,
  chain: ReceivedChain,
  elements: readonly SignedElement[],
  signature: XmlSignature | undefined,
  { readings }: ResponseQuestion,
): Pick<InstalledContract, 'cps' | 'readings'> {
  const cps = readChain(chain);
  const { subject, publicKey, spki } = cps.certificate;
  if (!subject.attributes.some(({ type, value }) => type === 'DC' && value === 'CPS')) {
    throw new Refusal('domain-missing');
  }
  if (!publicKey) {
    const { message } = foreignKeyViolation(spki);
    throw new Refusal('signature-invalid', message, { signatureFault: 'key-unfit' });
  }
  const verdict = verifySignature({ standard, signature, elements, key: publicKey, readings });
  if (verdict.ok) return { cps, readings: verdict.readings };
  const { reason: signatureFault, message } = verdict;
  throw new Refusal('signature-invalid', message, { signatureFault });
}

/** With and without hyphens, and with and without check digit, it is the same contract. */
function checkEmaid({ subject }: Certificate, inMessage: string): void {
  const certified = parseEmaid(attributeValue(subject, 'CN') ?? '');
  const delivered = parseEmaid(inMessage);
  if (certified.ok && delivered.ok && sameEmaid(certified.value, delivered.value)) return;
  throw new Refusal('emaid-mismatch');
}
