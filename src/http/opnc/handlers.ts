import type { Request } from 'express';
import { type PartyParts, requireOwnParty } from '../../services/parties.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { callingParty } from '../pnc/party.ts';
import { type ContractParts, contractHandlers } from './contracts.ts';
import { type CpsHandlerParts, cpsHandlers } from './cps.ts';
import { type RevocationHandlerParts, revocationHandlers } from './revocation.ts';
import { type RootHandlerParts, rootHandlers } from './roots.ts';
import { type VehicleParts, vehicleHandlers } from './vehicles.ts';

type Parts = PartyParts &
  RevocationHandlerParts &
  RootHandlerParts &
  VehicleParts &
  ContractParts &
  CpsHandlerParts;

/** The operations of OPNC; each looks first in whose name the caller says to call. */
export const opncHandlers = (parts: Parts): PncHandlers => {
  const all: PncHandlers = {
    ...revocationHandlers(parts),
    ...rootHandlers(parts),
    ...vehicleHandlers(parts),
    ...contractHandlers(parts),
    ...cpsHandlers(parts),
  };
  const checked = Object.entries(all).map(([id, handle]): [string, typeof handle] => [
    id,
    async (request: Request, response, principal) => {
      const party = callingParty(request.headers);
      if (party) await requireOwnParty(parts, principal, party);
      await handle(request, response, principal);
    },
  ]);
  return Object.fromEntries(checked);
};
