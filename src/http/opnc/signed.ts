import { fingerprint } from '../../pki/certificate.ts';
import { nameText } from '../../pki/names.ts';
import type { Contract } from '../../services/contract-records.ts';
import type { SignedContract } from '../../services/contract-signing.ts';
import { base64 } from '../pnc/base64.ts';
import { namespaceOf } from './namespaces.ts';
import type { OpncSignedContractData } from './types.ts';

/** A contract as its car would get it. */
export const signedData = (
  { emaid, pcid, standard }: Pick<Contract, 'emaid' | 'pcid' | 'standard'>,
  { exi, cps }: SignedContract,
): OpncSignedContractData => ({
  emaid,
  pcid,
  xsdMsgDefNamespace: namespaceOf[standard],
  certificateInstallationRes: base64(exi),
  cpsV2GRootCertificateFingerprint: fingerprint(cps.root.der),
  cpsRootDistinguishedName: nameText(cps.root.subject),
});
