/**
 * Get15118EVCertificate (OCPP 2.0.1 and 2.1 M01, M02; the DataTransfer of the ISO 15118 extension of
 * 1.6): a station passes on what a car asks for, as EXI that it does not read, and gets EXI back.
 */

import { decodeBase64 } from '../pki/pem.ts';
import { type OcppVersion, ocppVersions } from './certificate-types.ts';

export const certificateActions = ['Install', 'Update'] as const;
/** OCPP CertificateActionEnumType. */
export type CertificateAction = (typeof certificateActions)[number];

export type Iso15118Standard = 'iso15118-2' | 'iso15118-20';

/** The namespaces of messages that stations send as iso15118SchemaVersion. */
const standardByNamespace: ReadonlyMap<string, Iso15118Standard> = new Map([
  ['urn:iso:15118:2:2013:MsgDef', 'iso15118-2'],
  ['urn:iso:std:iso:15118:-20:CommonMessages', 'iso15118-20'],
  // Years by which software in the field names the edition.
  ['urn:iso:15118:20:2022:MsgDef', 'iso15118-20'],
  ['urn:iso:15118:20:2020:MsgDef', 'iso15118-20'],
]);

/** The standard of a namespace of messages; undefined for one that nobody is known to use. */
export const standardOfNamespace = (namespace: string): Iso15118Standard | undefined =>
  standardByNamespace.get(namespace);

interface Limits {
  /** Characters of base64. */
  readonly exiRequest: number;
  readonly exiResponse: number;
}
const limits: Readonly<Record<OcppVersion, Limits>> = {
  '1.6': { exiRequest: 5_600, exiResponse: 5_600 },
  '2.0.1': { exiRequest: 5_600, exiResponse: 5_600 },
  '2.1': { exiRequest: 11_000, exiResponse: 17_000 },
};
const MAX_SCHEMA_VERSION = 50;
const MAX_PRIORITIZED = 8;
const MAX_EMAID = 255;
/** A request with all that it may have, as the text that 1.6 sends it as. */
const MAX_JSON = 20_000;

export interface ContractCertificateRequest {
  readonly standard: Iso15118Standard;
  /** As the station sent it. */
  readonly schemaVersion: string;
  readonly action: CertificateAction;
  readonly exiRequest: Uint8Array;
  /** 2.1, for ISO 15118-20: how many contracts the car takes. */
  readonly maximumContractCertificateChains?: number;
  /** 2.1, for ISO 15118-20: at least one, as the station sent them. */
  readonly prioritizedEmaids?: readonly string[];
}

export interface RequestProblem {
  readonly code: 'field-missing' | 'field-invalid' | 'field-too-long' | 'schema-version-unknown';
  readonly message: string;
  /** As in the message; empty for the message itself. */
  readonly field: string;
}

export type ReadContractCertificateRequest =
  | { readonly ok: true; readonly value: ContractCertificateRequest }
  | { readonly ok: false; readonly problems: readonly RequestProblem[] };

/**
 * Reads the request of a station; what is not among its fields is ignored. What the EXI says is for
 * others to read, and whether it is of the standard that the station names.
 * @param input the JSON value, or its text: 1.6 sends it as a string
 * @param version undefined where nobody says; then the limits are those of the version with the
 *   widest
 * @returns the request, or everything that is wrong with it
 */
export function readContractCertificateRequest(
  input: unknown,
  version?: OcppVersion,
): ReadContractCertificateRequest {
  const message = objectOf(input);
  if (message === undefined) {
    const problem = 'the message is not a JSON object';
    return { ok: false, problems: [{ code: 'field-invalid', message: problem, field: '' }] };
  }
  const problems: RequestProblem[] = [];
  const report = (field: string, code: RequestProblem['code'], text: string): undefined => {
    problems.push({ code, message: `${field} ${text}`, field });
  };
  const standard = readStandard(message.iso15118SchemaVersion, report);
  const action = readAction(message.action, report);
  const exiRequest = readExi(message.exiRequest, widest('exiRequest', version), report);
  const maximum = readMaximum(message.maximumContractCertificateChains, report);
  const prioritizedEmaids = readEmaids(message.prioritizedEMAIDs, report);
  if (problems.length > 0 || !standard || !action || !exiRequest) return { ok: false, problems };
  return {
    ok: true,
    value: {
      ...{ standard, action, exiRequest },
      schemaVersion: message.iso15118SchemaVersion as string,
      ...(maximum === undefined ? {} : { maximumContractCertificateChains: maximum }),
      ...(prioritizedEmaids === undefined ? {} : { prioritizedEmaids }),
    },
  };
}

type Report = (field: string, code: RequestProblem['code'], text: string) => undefined;

function objectOf(input: unknown): Readonly<Record<string, unknown>> | undefined {
  let value = input;
  if (typeof input === 'string') {
    if (input.length > MAX_JSON) return undefined;
    try {
      value = JSON.parse(input);
    } catch {
      return undefined;
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

function readStandard(value: unknown, report: Report): Iso15118Standard | undefined {
  const field = 'iso15118SchemaVersion';
  if (value === undefined) return report(field, 'field-missing', 'is missing');
  if (typeof value !== 'string') return report(field, 'field-invalid', 'is not a string');
  if (value.length > MAX_SCHEMA_VERSION) {
    return report(field, 'field-too-long', `has more than ${MAX_SCHEMA_VERSION} characters`);
  }
  const known = [...standardByNamespace.keys()].join(', ');
  return (
    standardByNamespace.get(value) ?? report(field, 'schema-version-unknown', `is none of ${known}`)
  );
}

function readAction(value: unknown, report: Report): CertificateAction | undefined {
  if (value === undefined) return report('action', 'field-missing', 'is missing');
  return (
    certificateActions.find((action) => action === value) ??
    report('action', 'field-invalid', `is neither ${certificateActions.join(' nor ')}`)
  );
}

function readExi(value: unknown, maximum: number, report: Report): Uint8Array | undefined {
  const field = 'exiRequest';
  if (value === undefined) return report(field, 'field-missing', 'is missing');
  if (typeof value !== 'string') return report(field, 'field-invalid', 'is not a string');
  if (value.length > maximum) {
    const text = `has ${value.length} characters, and OCPP allows ${maximum}`;
    return report(field, 'field-too-long', text);
  }
  // White space is for PEM: JSON has one string, as RFC 4648 4 has it.
  const octets = /\s/.test(value) ? undefined : decodeBase64(value);
  if (octets === undefined) return report(field, 'field-invalid', 'is not base64 (RFC 4648 4)');
  if (octets.length === 0) return report(field, 'field-invalid', 'is empty');
  return octets;
}

function readMaximum(value: unknown, report: Report): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const text = 'is not a whole number from 0';
  return report('maximumContractCertificateChains', 'field-invalid', text);
}

function readEmaids(value: unknown, report: Report): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const field = 'prioritizedEMAIDs';
  if (!Array.isArray(value)) return report(field, 'field-invalid', 'is not a list');
  if (value.length > MAX_PRIORITIZED) {
    return report(field, 'field-too-long', `has more than ${MAX_PRIORITIZED} entries`);
  }
  const isName = (one: unknown) => typeof one === 'string' && one !== '' && one.length <= MAX_EMAID;
  if (!value.every(isName)) {
    const text = `has an entry that is not a string of 1 to ${MAX_EMAID} characters`;
    return report(field, 'field-invalid', text);
  }
  // OCPP leaves out what is empty; stations do not always.
  return value.length === 0 ? undefined : [...(value as string[])];
}

export interface ContractCertificateAnswer {
  readonly status: 'Accepted' | 'Failed';
  /** Base64; empty where there is none, for the field is required. */
  readonly exiResponse: string;
  /** 2.1, for ISO 15118-20. */
  readonly remainingContracts?: number;
}

/**
 * The answer to the station. Failed goes with EXI, too, where the car is to hear why.
 * @param remainingContracts how many more contracts there are for the car, of ISO 15118-20
 */
export const contractCertificateAnswer = (
  status: ContractCertificateAnswer['status'],
  exiResponse?: Uint8Array,
  remainingContracts?: number,
): ContractCertificateAnswer => ({
  status,
  exiResponse: exiResponse === undefined ? '' : Buffer.from(exiResponse).toString('base64'),
  ...(remainingContracts === undefined ? {} : { remainingContracts }),
});

/** A limit that an answer is over: whoever keeps to it drops the answer or cuts it off. */
export interface SizeWarning {
  readonly ocppVersion: OcppVersion;
  readonly limit: number;
  /** Of the answer, in characters of base64. */
  readonly characters: number;
}

/**
 * The limits of OCPP that an answer is over. The schemas of 1.6 and 2.0.1 allow 5,600 characters,
 * which two chains can exceed; some software allows 7,500. In 2.1 17,000 is what every station
 * takes, and it may take more.
 * @param version undefined where nobody says: then all versions are looked at
 */
export const sizeWarnings = (
  { exiResponse }: Pick<ContractCertificateAnswer, 'exiResponse'>,
  version?: OcppVersion,
): readonly SizeWarning[] =>
  ocppVersions
    .filter((one) => version === undefined || one === version)
    .filter((one) => exiResponse.length > limits[one].exiResponse)
    .map((one) => ({
      ocppVersion: one,
      limit: limits[one].exiResponse,
      characters: exiResponse.length,
    }));

const widest = (field: keyof Limits, version: OcppVersion | undefined): number =>
  version === undefined
    ? Math.max(...ocppVersions.map((one) => limits[one][field]))
    : limits[version][field];
