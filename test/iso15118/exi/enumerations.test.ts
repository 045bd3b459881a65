/**
 * The codes of the enumerations, said here a second time: everything else takes them from the order
 * of the lists in the source, with which a wrong order would agree. A car that is told
 * FAILED_SignatureError for FAILED_CertificateExpired hears it from these numbers alone.
 */

import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { iso2FaultCodes, iso2ResponseCodes } from '../../../src/iso15118/exi/iso2-messages.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import { iso20Processings, iso20ResponseCodes } from '../../../src/iso15118/exi/iso20-messages.ts';
import { bodyOf, headerOf } from '../../support/exi-beginnings.ts';
import {
  iso2,
  iso2Request,
  iso2Response,
  iso20Response,
  octets,
} from '../../support/exi-samples.ts';
import { HandWriter } from '../../support/hand-writer.ts';

/** responseCodeType of urn:iso:15118:2:2013:MsgDataTypes. */
const iso2Codes = {
  FAILED: 4,
  FAILED_CertChainError: 13,
  FAILED_CertificateExpired: 10,
  FAILED_CertificateNotAllowedAtThisEVSE: 24,
  FAILED_CertificateRevoked: 25,
  FAILED_ChallengeInvalid: 14,
  FAILED_ChargingProfileInvalid: 19,
  FAILED_ContactorError: 23,
  FAILED_ContractCanceled: 15,
  FAILED_MeteringSignatureNotValid: 20,
  FAILED_NoCertificateAvailable: 12,
  FAILED_NoChargeServiceSelected: 21,
  FAILED_PaymentSelectionInvalid: 9,
  FAILED_PowerDeliveryNotApplied: 17,
  FAILED_SequenceError: 5,
  FAILED_ServiceIDInvalid: 6,
  FAILED_ServiceSelectionInvalid: 8,
  FAILED_SignatureError: 11,
  FAILED_TariffSelectionInvalid: 18,
  FAILED_UnknownSession: 7,
  FAILED_WrongChargeParameter: 16,
  FAILED_WrongEnergyTransferMode: 22,
  OK: 0,
  OK_CertificateExpiresSoon: 3,
  OK_NewSessionEstablished: 1,
  OK_OldSessionJoined: 2,
};

/** responseCodeType of urn:iso:std:iso:15118:-20:CommonTypes. */
const iso20Codes = {
  FAILED: 21,
  FAILED_AssociationError: 22,
  FAILED_ContactorError: 23,
  FAILED_EVPowerProfileInvalid: 24,
  FAILED_EVPowerProfileViolation: 25,
  FAILED_MeteringSignatureNotValid: 26,
  FAILED_NoEnergyTransferServiceSelected: 27,
  FAILED_NoServiceRenegotiationSupported: 28,
  FAILED_PauseNotAllowed: 29,
  FAILED_PowerDeliveryNotApplied: 30,
  FAILED_PowerToleranceNotConfirmed: 31,
  FAILED_ScheduleRenegotiation: 32,
  FAILED_ScheduleSelectionInvalid: 33,
  FAILED_SequenceError: 34,
  FAILED_ServiceIDInvalid: 35,
  FAILED_ServiceSelectionInvalid: 36,
  FAILED_SignatureError: 37,
  FAILED_UnknownSession: 38,
  FAILED_WrongChargeParameter: 39,
  OK: 0,
  OK_CertificateExpiresSoon: 1,
  OK_NewSessionEstablished: 2,
  OK_OldSessionJoined: 3,
  OK_PowerToleranceConfirmed: 4,
  WARNING_AuthorizationSelectionInvalid: 5,
  WARNING_CertificateExpired: 6,
  WARNING_CertificateNotYetValid: 7,
  WARNING_CertificateRevoked: 8,
  WARNING_CertificateValidationError: 9,
  WARNING_ChallengeInvalid: 10,
  WARNING_EIMAuthorizationFailure: 11,
  WARNING_EVPowerProfileViolation: 13,
  WARNING_GeneralPnCAuthorizationError: 14,
  WARNING_NoCertificateAvailable: 15,
  WARNING_NoContractMatchingPCIDFound: 16,
  WARNING_PowerToleranceNotConfirmed: 17,
  WARNING_ScheduleRenegotiationFailed: 18,
  WARNING_StandbyNotAllowed: 19,
  WARNING_WPT: 20,
  WARNING_eMSPUnknown: 12,
};

const faultCodes = { NoTLSRootCertificatAvailable: 1, ParsingError: 0, UnknownError: 2 };
const processings = { Finished: 0, Ongoing: 1, Ongoing_WaitingForCustomerInteraction: 2 };

/** The bits of a document up to the end of what was written by hand. */
function startsWith(document: Uint8Array, { bits }: HandWriter): boolean {
  const all = [...document].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return all.startsWith(bits);
}

/** A response of -20 up to its response code. */
function responding(): HandWriter {
  const w = new HandWriter();
  w.code(0x80, 8);
  w.code(8, 6);
  w.code(0, 3); // Header, SessionID, its content
  w.binary(octets(8));
  w.code(0, 3); // end of SessionID, TimeStamp, its content
  w.unsigned(iso20Response.header.timeStamp);
  w.code(0, 1);
  w.code(1, 2); // no signature
  w.code(0, 2); // ResponseCode, its content
  return w;
}

const sorted = (names: readonly string[]): string[] => [...names].sort();

describe('ISO 15118-2', () => {
  test('response codes', () => {
    expect(sorted(iso2ResponseCodes)).toEqual(sorted(Object.keys(iso2Codes)));
    for (const responseCode of iso2ResponseCodes) {
      const w = bodyOf(6);
      w.code(0, 2);
      w.code(iso2Codes[responseCode], 5);
      const message = iso2({ ...iso2Response, responseCode });
      const document = encodeIso2(message);
      expect([responseCode, startsWith(document, w)]).toEqual([responseCode, true]);
      expect(decodeIso2(document).message).toEqual(message);
    }
  });

  test('fault codes', () => {
    expect(sorted(iso2FaultCodes)).toEqual(sorted(Object.keys(faultCodes)));
    for (const faultCode of iso2FaultCodes) {
      const w = headerOf(0, 2);
      w.code(0, 2);
      w.code(faultCodes[faultCode], 2);
      const message = iso2(iso2Request, { notification: { faultCode } });
      const document = encodeIso2(message);
      expect([faultCode, startsWith(document, w)]).toEqual([faultCode, true]);
      expect(decodeIso2(document).message).toEqual(message);
    }
  });
});

describe('ISO 15118-20', () => {
  test('response codes', () => {
    expect(sorted(iso20ResponseCodes)).toEqual(sorted(Object.keys(iso20Codes)));
    for (const responseCode of iso20ResponseCodes) {
      const w = responding();
      w.code(iso20Codes[responseCode], 6);
      const message = { ...iso20Response, responseCode };
      const document = encodeIso20(message);
      expect([responseCode, startsWith(document, w)]).toEqual([responseCode, true]);
      expect(decodeIso20(document).message).toEqual(message);
    }
  });

  test('processings', () => {
    expect(sorted(iso20Processings)).toEqual(sorted(Object.keys(processings)));
    for (const evseProcessing of iso20Processings) {
      const w = responding();
      w.code(iso20Codes.OK, 6);
      w.code(0, 3);
      w.code(processings[evseProcessing], 2);
      const message = { ...iso20Response, evseProcessing };
      const document = encodeIso20(message);
      expect([evseProcessing, startsWith(document, w)]).toEqual([evseProcessing, true]);
      expect(decodeIso20(document).message).toEqual(message);
    }
  });
});
