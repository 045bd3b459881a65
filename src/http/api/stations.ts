import type { OcppVersion } from '../../ocpp/certificate-types.ts';
import {
  type RootCertificateType,
  rootCertificateType,
  rootUseOf,
  rootUsesOf,
} from '../../ocpp/root-types.ts';
import { nameText } from '../../pki/names.ts';
import { toPem } from '../../pki/pem.ts';
import type { Station as StationRecord } from '../../services/station-records.ts';
import {
  stationTruststore,
  type TruststoreEntry,
  type TruststoreParts,
} from '../../services/station-truststore.ts';
import {
  findStation,
  listStations,
  putStation,
  type StationDetails,
  type StationParts,
} from '../../services/stations.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type { NewStation, Station, StationTruststore, TruststoreRoot } from './types.ts';

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
        ...pageWanted({ limit, cursor }),
        ...(organization === undefined ? {} : { organization }),
      });
      response.json(pageBody(page, stationBody));
    },
  }) satisfies Handlers;

const PEM_BUNDLE = 'application/x-pem-file';

export const truststoreHandlers = (parts: TruststoreParts) =>
  ({
    async getStationTruststore(request, response, principal) {
      const { id } = request.params as { id: string };
      const {
        organization,
        certificateType,
        ocppVersion = '2.0.1',
      } = request.query as {
        readonly organization?: string;
        readonly certificateType?: RootCertificateType;
        readonly ocppVersion?: OcppVersion;
      };
      const entries = await stationTruststore(parts, principal, id, {
        ...(organization === undefined ? {} : { organization }),
        // Whoever asks for one by its name has a use for it.
        uses:
          certificateType === undefined ? rootUsesOf(ocppVersion) : [rootUseOf(certificateType)],
      });
      const items = entries.map((entry) => rootBody(entry, ocppVersion));
      if (request.accepts(['application/json', PEM_BUNDLE]) === PEM_BUNDLE) {
        // One certificate may be for several uses.
        const bundle = [...new Set(items.map(({ certificate }) => certificate))].join('');
        response.type(PEM_BUNDLE).send(bundle);
        return;
      }
      const body: StationTruststore = { items };
      response.json(body);
    },
  }) satisfies Handlers;

const rootBody = (
  { use, certificate, hashData }: TruststoreEntry,
  version: OcppVersion,
): TruststoreRoot => ({
  certificateType: rootCertificateType(use, version),
  certificate: toPem('CERTIFICATE', certificate.der),
  ...(hashData === undefined ? {} : { hashData }),
  subject: nameText(certificate.subject),
  notAfter: certificate.notAfter.toISOString(),
});

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
