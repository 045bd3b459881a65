import type { Iso15118Standard } from '../../ocpp/contract-certificate.ts';

/** How OPNC names the standards in answers; it takes them in whichever of their spellings. */
export const namespaceOf: Readonly<Record<Iso15118Standard, string>> = {
  'iso15118-2': 'urn:iso:15118:2:2013:MsgDef',
  'iso15118-20': 'urn:iso:15118:20:2020:MsgDef',
};
