import type { Decoding } from '../iso15118/installation/decoding.ts';
import type { LenientReading } from '../iso15118/signature/lenient-readings.ts';

/**
 * How requests of cars may depart from the signature profile and still be taken, since cars that do
 * are on the road. None of them lets anything through that the car's key has not signed.
 */
export const acceptedReadings: ReadonlySet<LenientReading> = new Set<LenientReading>([
  'missing-transforms',
  'reference-id',
  'signed-info-grammar',
]);

/** How a request was read that is not written as the standard has it. */
export type RequestReading = LenientReading | 'string-table-hits' | 'trailing-zeros';

/** All of them for one request: those of its signature, and those of its EXI. */
export const readingsOf = ({
  readings,
  decoding: { stringTableHits, trailingZeros },
}: {
  readonly readings: readonly LenientReading[];
  readonly decoding: Decoding;
}): readonly RequestReading[] => [
  ...readings,
  ...(stringTableHits > 0 ? (['string-table-hits'] as const) : []),
  ...(trailingZeros > 0 ? (['trailing-zeros'] as const) : []),
];
