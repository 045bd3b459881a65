/** Charging stations as they are stored, and the port that stores them. */

import type { ChainPolicy } from '../ocpp/certificate-signed.ts';
import type { OmittedType } from '../ocpp/certificate-types.ts';
import type { AuditEvent } from './audit.ts';
import type { NameQuestion } from './certificate-records.ts';
import type { Page, PageWanted } from './pages.ts';

/** A charging station of an organization: what is registered about it, not what it says itself. */
export interface Station {
  /** Its OCPP identity, as in its connection URL; unique within its organization. */
  readonly id: string;
  readonly organizationId: string;
  /** What the CN of its certificates towards the CSMS has to be (OCPP 2.0.1 A00.FR.405). */
  readonly serialNumber?: string;
  /** What the CN of its certificates towards vehicles has to be. */
  readonly seccId?: string;
  /** In the form to show: `DE*ICE*E45B*78C`. */
  readonly evseIds: readonly string[];
  /** What it means when it leaves out the certificate type in OCPP 2.x; `combined` unless set. */
  readonly certificateType?: OmittedType;
  /** OCPP security profile. */
  readonly securityProfile?: SecurityProfile;
  /** How it takes the chains of its certificates; never without a member. */
  readonly chain?: ChainPolicy;
  /** Whether nothing is certified for it, whoever asks: it has been retired, or stolen. */
  readonly enrolment?: 'refused';
  readonly createdAt: Date;
  /** When it last asked for something, to the minute. */
  readonly lastSeenAt?: Date;
}

export type StationEnrolment = 'allowed' | 'refused';

export const securityProfiles = [0, 1, 2, 3] as const;
export type SecurityProfile = (typeof securityProfiles)[number];

export interface StationStore {
  /**
   * Adds a station.
   * @returns `exists` when its organization has one of this identity; `name-taken` when
   *   identity, serial number or SECC id are, in any case, one of another of its stations;
   *   nothing is written then
   * @param command.seen what `findStationNamed` has said of a name, the id of nobody or somebody:
   *   `exists` when it says something else by now. Whoever registers by this name at the same time
   *   waits.
   */
  registerStation(command: {
    readonly station: Station;
    readonly seen?: { readonly name: string; readonly id: string | undefined };
    readonly audit: AuditEvent;
  }): Promise<'registered' | 'exists' | 'name-taken'>;

  /**
   * Replaces what is registered about a station, but for the times when it was registered and seen,
   * and for its enrolment where that is left out.
   * @param command.from what is registered until now, for those who have made of it what is to be
   * @returns `missing`, `name-taken`, or `stale` when `from` is not so (any more), and nothing is
   *   written
   */
  changeStation(command: {
    readonly station: Omit<Station, 'enrolment'>;
    readonly enrolment?: StationEnrolment | undefined;
    readonly from?: Station;
    readonly audit: AuditEvent;
  }): Promise<'changed' | 'missing' | 'name-taken' | 'stale'>;

  /** Notes that a station was there. */
  recordSeen(organizationId: string, id: string, at: Date): Promise<void>;

  findStation(organizationId: string, id: string): Promise<Station | undefined>;

  /**
   * The one station of the organization that has this identity, serial number or SECC id, in any
   * case, or else the one that has an EVSE of this id; none where several stations share an EVSE.
   */
  findStationNamed(organizationId: string, name: string): Promise<Station | undefined>;

  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listStations(
    filter: { readonly organizationId?: string },
    page: PageWanted,
  ): Promise<Page<Station>>;

  /**
   * Whether, in any case, one of the names is the identity, serial number or SECC id of another
   * station of the organization, or the common name of a certificate of the organization that is
   * in force, or about to be, for another, or for no station that we know of. Whatever else the
   * subject says: the organization may have had another name when it was certified.
   */
  isNameOfOther(question: NameQuestion & { readonly now: Date }): Promise<boolean>;
}
