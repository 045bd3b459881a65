/**
 * A second writer of the messages, for tests: bit after bit by the listing of the grammars, without
 * any check of lengths, numbers or characters, and with a string table if asked for. Where the codec
 * and this writer agree, two independent readings of the listing do.
 */

import type {
  Iso2Body,
  Iso2CertificateChain,
  Iso2Message,
  RootCertificateId,
} from '../../src/iso15118/exi/iso2-messages.ts';
import { iso2FaultCodes, iso2ResponseCodes } from '../../src/iso15118/exi/iso2-messages.ts';
import type { Iso20Header, Iso20Message } from '../../src/iso15118/exi/iso20-messages.ts';
import {
  ecdhCurves,
  iso20Processings,
  iso20ResponseCodes,
} from '../../src/iso15118/exi/iso20-messages.ts';
import { attribute, element, HandWriter, repeat, value } from './hand-writer.ts';
import { writeSignature } from './signature-by-hand.ts';

export interface ByHand {
  readonly octets: Uint8Array;
  readonly hits: number;
}

const done = (writer: HandWriter): ByHand => ({ octets: writer.finish(), hits: writer.hits });

export function iso2ByHand({ header, body }: Iso2Message, withTable = false): ByHand {
  const w = new HandWriter(withTable);
  w.code(0x80, 8);
  w.code(76, 7);
  w.code(0, 1); // Header
  element(w, () => w.binary(header.sessionId));
  const { notification, signature } = header;
  if (notification) {
    w.code(0, 2);
    element(w, () => w.code(iso2FaultCodes.indexOf(notification.faultCode), 2));
    const { faultMessage } = notification;
    if (faultMessage === undefined) {
      w.code(1, 2);
    } else {
      w.code(0, 2);
      value(w, () => w.string('header:FaultMsg', faultMessage));
      w.code(0, 1);
    }
  }
  if (signature) {
    w.code(notification ? 0 : 1, 2);
    writeSignature(w, signature);
    w.code(0, 1);
  } else {
    w.code(notification ? 1 : 2, 2);
  }
  w.code(0, 1); // Body
  writeIso2Body(w, body);
  w.code(0, 1);
  w.code(0, 1);
  return done(w);
}

function writeIso2Body(w: HandWriter, body: Iso2Body): void {
  switch (body.name) {
    case 'CertificateInstallationReq':
      w.code(5, 6);
      attribute(w, 'body:Id', body.id);
      element(w, () => w.binary(body.oemProvisioningCertificate));
      w.code(0, 1);
      writeRoots(w, body.rootCertificateIds);
      w.code(0, 1);
      return;
    case 'CertificateUpdateReq':
      w.code(7, 6);
      attribute(w, 'body:Id', body.id);
      w.code(0, 1);
      writeIso2Chain(w, body.contractCertificateChain);
      element(w, () => w.string('body:eMAID', body.emaid));
      w.code(0, 1);
      writeRoots(w, body.rootCertificateIds);
      w.code(0, 1);
      return;
    default:
      w.code(body.name === 'CertificateInstallationRes' ? 6 : 8, 6);
      element(w, () => w.code(iso2ResponseCodes.indexOf(body.responseCode), 5));
      w.code(0, 1);
      writeIso2Chain(w, body.provisioningCertificateChain);
      w.code(0, 1);
      writeIso2Chain(w, body.contractCertificateChain);
      identified(w, body.encryptedPrivateKey.id, () => w.binary(body.encryptedPrivateKey.value));
      identified(w, body.dhPublicKey.id, () => w.binary(body.dhPublicKey.value));
      identified(w, body.emaid.id, () => w.string('body:eMAID', body.emaid.value));
  }
  if (body.name === 'CertificateUpdateRes') {
    const { retryCounter } = body;
    if (retryCounter === undefined) {
      w.code(1, 2);
      return;
    }
    w.code(0, 2);
    value(w, () => w.signed(retryCounter));
  }
  w.code(0, 1);
}

export function iso20ByHand(message: Iso20Message, withTable = false): ByHand {
  const w = new HandWriter(withTable);
  w.code(0x80, 8);
  if (message.name === 'CertificateInstallationReq') {
    w.code(7, 6);
    writeIso20Header(w, message.header);
    const chain = message.oemProvisioningCertificateChain;
    w.code(0, 1);
    attribute(w, 'messages:Id', chain.id);
    writeIso20Chain(w, chain.certificate, chain.subCertificates, 2);
    w.code(0, 1);
    writeRoots(w, message.rootCertificateIds);
    element(w, () => w.code(message.maximumContractCertificateChains, 8));
    const { prioritizedEmaids } = message;
    if (prioritizedEmaids === undefined) {
      w.code(1, 2);
      return done(w);
    }
    w.code(0, 2);
    repeat(w, 8, prioritizedEmaids, (emaid) => value(w, () => w.string('messages:EMAID', emaid)));
    w.code(0, 1);
    return done(w);
  }
  w.code(8, 6);
  writeIso20Header(w, message.header);
  element(w, () => w.code(iso20ResponseCodes.indexOf(message.responseCode), 6));
  element(w, () => w.code(iso20Processings.indexOf(message.evseProcessing), 2));
  w.code(0, 1);
  const { cpsCertificateChain: cps, signedInstallationData: data } = message;
  writeIso20Chain(w, cps.certificate, cps.subCertificates, 2);
  w.code(0, 1);
  attribute(w, 'messages:Id', data.id);
  const { certificate, subCertificates } = data.contractCertificateChain;
  w.code(0, 1);
  writeIso20Chain(w, certificate, subCertificates, 1);
  element(w, () => w.code(ecdhCurves.indexOf(data.ecdhCurve), 1));
  element(w, () => w.binary(data.dhPublicKey));
  w.code(['SECP521', 'X448', 'TPM'].indexOf(data.encryptedPrivateKey.form), 2);
  value(w, () => w.binary(data.encryptedPrivateKey.value));
  w.code(0, 1);
  element(w, () => w.code(message.remainingContractCertificateChains, 8));
  w.code(0, 1);
  return done(w);
}

function writeIso20Header(w: HandWriter, header: Iso20Header): void {
  w.code(0, 1);
  element(w, () => w.binary(header.sessionId));
  element(w, () => w.unsigned(header.timeStamp));
  if (header.signature) {
    w.code(0, 2);
    writeSignature(w, header.signature);
    w.code(0, 1);
  } else {
    w.code(1, 2);
  }
}

/** @param width of the code before SubCertificates: 1 where they are mandatory */
function writeIso20Chain(
  w: HandWriter,
  certificate: Uint8Array,
  subCertificates: readonly Uint8Array[] | undefined,
  width: 1 | 2,
): void {
  element(w, () => w.binary(certificate));
  if (subCertificates === undefined) {
    w.code(1, width);
    return;
  }
  w.code(0, width);
  repeat(w, 3, subCertificates, (sub) => value(w, () => w.binary(sub)));
  w.code(0, 1);
}

function writeIso2Chain(w: HandWriter, chain: Iso2CertificateChain): void {
  if (chain.id === undefined) {
    w.code(1, 2);
  } else {
    w.code(0, 2);
    w.string('types:Id', chain.id);
    w.code(0, 1);
  }
  value(w, () => w.binary(chain.certificate));
  if (chain.subCertificates === undefined) {
    w.code(1, 2);
    return;
  }
  w.code(0, 2);
  repeat(w, 4, chain.subCertificates, (sub) => value(w, () => w.binary(sub)));
  w.code(0, 1);
}

function writeRoots(w: HandWriter, ids: readonly RootCertificateId[]): void {
  repeat(w, 20, ids, ({ issuerName, serialNumber }) => {
    element(w, () => w.string('ds:X509IssuerName', issuerName));
    element(w, () => w.signed(serialNumber));
    w.code(0, 1);
  });
}

/** The only element that may come, with an Id and a value. */
function identified(w: HandWriter, id: string, write: () => void): void {
  w.code(0, 1);
  attribute(w, 'types:Id', id);
  value(w, write);
}
