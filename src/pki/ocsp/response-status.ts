/** OCSPResponseStatus: whether there is an answer at all (RFC 6960 2.3, 4.2.1). */

/** The statuses with their numbers; 4 is not used. */
export const responseStatuses = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const;

export type OcspResponseStatus = keyof typeof responseStatuses;

/** `unauthorized` is also the answer of a responder that has no record (RFC 5019 2.2.3). */
export type OcspErrorStatus = Exclude<OcspResponseStatus, 'successful'>;

/** The status of a number; undefined for 4 and every other number. */
export const responseStatusOf = (number: number): OcspResponseStatus | undefined =>
  (Object.keys(responseStatuses) as OcspResponseStatus[]).find(
    (status) => responseStatuses[status] === number,
  );
