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
