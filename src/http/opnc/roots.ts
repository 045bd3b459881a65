import { fingerprint, serialHex } from '../../pki/certificate.ts';
import { attributeValue, nameText } from '../../pki/names.ts';
import type { RootType } from '../../pki/profile.ts';
import { ServiceError } from '../../services/errors.ts';
import {
  findRoot,
  type ListedRoot,
  listRoots,
  type RootPoolParts,
  removeRoot,
} from '../../services/root-pool.ts';
import { base64 } from '../pnc/base64.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { importRoot } from '../pnc/roots.ts';
import type { OpncNewRoot, OpncRoot, OpncRootCollection, OpncRootResponse } from './types.ts';

export type RootHandlerParts = RootPoolParts;

/** The root certificate pool. */
export const rootHandlers = (parts: RootHandlerParts) =>
  ({
    async opncListRoots(request, response, principal) {
      const { pkiType } = request.query as { pkiType?: string };
      const wanted = pkiType === undefined ? undefined : typeNamed(pkiType);
      const roots = await listRoots(parts, principal, wanted);
      const body: OpncRootCollection = { rootCertificateCollection: roots.map(rootOf) };
      response.json(body);
    },

    async opncGetRoot(request, response, principal) {
      response.json(responseOf(await findRoot(parts, principal, String(request.params.id))));
    },

    async opncAddRoot(request, response, principal) {
      const body = request.body as OpncNewRoot;
      response.json(
        responseOf(await importRoot(parts, principal, body.caCertificate, typeIn(body))),
      );
    },

    async opncDeleteRoot(request, response, principal) {
      await removeRoot(parts, principal, String(request.params.id));
      response.end();
    },
  }) satisfies PncHandlers;

/** openapi.yaml lets no others through. */
function typeNamed(text: string): RootType {
  const type = text.toUpperCase();
  return type === 'EMSP' ? 'MO' : (type as RootType);
}

/** @throws ServiceError `request-malformed` where there is none, or more than one */
function typeIn({ rootType, rootTypeList = [] }: OpncNewRoot): RootType {
  const named = rootType === undefined ? rootTypeList : [rootType, ...rootTypeList];
  const [type, ...more] = new Set(named.map(typeNamed));
  if (type !== undefined && more.length === 0) return type;
  throw new ServiceError('request-malformed', 'the root has to have one type', [
    { code: 'invalid', message: 'or rootTypeList has to name one type', field: 'body.rootType' },
  ]);
}

/** By the name that it has in the published API, and by the one that was meant. */
function responseOf(listed: ListedRoot): OpncRootResponse {
  const root = rootOf(listed);
  return { rootCertificate: root, roootCertificate: root };
}

function rootOf({ id, rootType: own, certificate, addresses }: ListedRoot): OpncRoot {
  const { subject, der, extensions } = certificate;
  const keyIdentifier = extensions.subjectKeyIdentifier?.value;
  const rootType = own === 'MO' ? 'eMSP' : own;
  return {
    rootCertificateId: id,
    distinguishedName: nameText(subject),
    rootType,
    rootTypeList: [rootType],
    caCertificate: base64(der),
    commonName: attributeValue(subject, 'CN') ?? '',
    ...(keyIdentifier ? { rootAuthorityKeyIdentifier: base64(keyIdentifier) } : {}),
    rootIssuerSerialNumber: serialHex(certificate),
    validFrom: certificate.notBefore.toISOString(),
    validTo: certificate.notAfter.toISOString(),
    organizationName: attributeValue(subject, 'O') ?? '',
    ...(addresses
      ? { certificateRevocationList: addresses.crl, labeledUri: addresses.certificate }
      : {}),
    fingerprint: fingerprint(der),
  };
}
