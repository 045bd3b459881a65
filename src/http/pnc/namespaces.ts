import { type Iso15118Standard, standardOfNamespace } from '../../ocpp/contract-certificate.ts';
import { ServiceError } from '../../services/errors.ts';

/** How evpki names the standards. */
export const namespaceOf: Readonly<Record<Iso15118Standard, string>> = {
  'iso15118-2': 'urn:iso:15118:2:2013:MsgDef',
  'iso15118-20': 'urn:iso:std:iso:15118:-20:CommonMessages',
};

/**
 * The standard that a namespace names, in whichever of its spellings.
 * @throws ServiceError `request-malformed`
 */
export function standardNamed(namespace: string, field: string): Iso15118Standard {
  const standard = standardOfNamespace(namespace);
  if (standard) return standard;
  throw new ServiceError('request-malformed', 'the namespace is not known', [
    { code: 'schema-version-unknown', message: 'is no namespace of ISO 15118-2 or -20', field },
  ]);
}

/**
 * The standard of a query; undefined where it names none.
 * @throws ServiceError `request-malformed`
 */
export function standardAsked(
  query: Readonly<Record<string, unknown>>,
): Iso15118Standard | undefined {
  const { xsdMsgDefNamespace: namespace } = query;
  if (typeof namespace !== 'string') return undefined;
  return standardNamed(namespace, 'query.xsdMsgDefNamespace');
}
