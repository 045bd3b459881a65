import { type EndEntityParts, registerEndEntity } from '../../services/end-entities.ts';
import type { Station } from '../../services/station-records.ts';
import { listStations } from '../../services/stations.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import type { OpcpEndEntity, OpcpNewEndEntity } from './types.ts';

/** Clients ask for all at once and know no pages. */
const MAX_LISTED = 10_000;
const PAGE = 500;

/** The registration of chargers. */
export const endEntityHandlers = (parts: EndEntityParts) =>
  ({
    async opcpPutEndEntity(request, response, principal) {
      const body = request.body as OpcpNewEndEntity;
      const { commonName, evseID: evseIds = [], chargeBoxSerialNumber: serialNumber } = body;
      const station = await registerEndEntity(parts, principal, {
        commonName,
        evseIds,
        // Clients whose operator has not set one send an empty text.
        ...(serialNumber === undefined || serialNumber === '' ? {} : { serialNumber }),
      });
      response.json(endEntityOf(station));
    },

    async opcpListEndEntities(_request, response, principal) {
      const { organizationId: organization } = principal;
      const entities: OpcpEndEntity[] = [];
      let cursor: string | undefined;
      do {
        const from = cursor === undefined ? {} : { cursor };
        const page = await listStations(parts, principal, { organization, limit: PAGE, ...from });
        entities.push(...page.items.map(endEntityOf));
        cursor = page.nextCursor;
      } while (cursor !== undefined && entities.length < MAX_LISTED);
      response.json(entities);
    },
  }) satisfies PncHandlers;

const endEntityOf = ({ id, seccId, evseIds, serialNumber }: Station): OpcpEndEntity => ({
  endEntityId: id,
  commonName: seccId ?? id,
  evseID: [...evseIds],
  ...(serialNumber === undefined ? {} : { chargeBoxSerialNumber: serialNumber }),
});
