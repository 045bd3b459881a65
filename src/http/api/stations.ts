import type { Station as StationRecord } from '../../services/station-records.ts';
import {
  findStation,
  listStations,
  putStation,
  type StationDetails,
  type StationParts,
} from '../../services/stations.ts';
import type { Handlers } from './operations.ts';
import type { NewStation, Station } from './types.ts';

export const stationHandlers = (parts: StationParts) =>
  ({
    async putStation(request, response, principal) {
      const { id } = request.params as { id: string };
      const details: StationDetails = request.body as NewStation;
      const { organization } = request.query as Record<string, string | undefined>;
      const { station, created } = await putStation(parts, principal, id, details, organization);
      response.status(created ? 201 : 200).json(stationBody(station));
    },

    async getStation(request, response, principal) {
      const { id } = request.params as { id: string };
      const { organization } = request.query as Record<string, string | undefined>;
      response.json(stationBody(await findStation(parts, principal, id, organization)));
    },

    async listStations(request, response, principal) {
      const { organization, limit, cursor } = request.query as Record<string, string | undefined>;
      const page = await listStations(parts, principal, {
        limit: Number(limit ?? 50),
        ...(organization === undefined ? {} : { organization }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      response.json({
        items: page.items.map(stationBody),
        ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
      });
    },
  }) satisfies Handlers;

const stationBody = ({
  organizationId,
  evseIds,
  createdAt,
  lastSeenAt,
  ...rest
}: StationRecord): Station => ({
  ...rest,
  organization: organizationId,
  evseIds: [...evseIds],
  createdAt: createdAt.toISOString(),
  ...(lastSeenAt === undefined ? {} : { lastSeenAt: lastSeenAt.toISOString() }),
});
