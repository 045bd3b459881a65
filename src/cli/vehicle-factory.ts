/** The car of `evpki vehicle install` before it asks: made, or brought, and registered. */

import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { readCertificate } from '../pki/certificate.ts';
import { chainPem } from '../pki/chain.ts';
import { readPemBlocks } from '../pki/pem.ts';
import type { Authority, IssuedCertificate, Organization } from './api-bodies.ts';
import { exitStatus, Failure } from './failure.ts';
import { makeKeyAndRequest } from './key-and-request.ts';
import type { Tell } from './narration.ts';
import type { Session } from './session.ts';
import { day } from './table.ts';
import { type Car, carCurves, carOf } from './vehicle-car.ts';
import type { VehiclePlace, vehicleLines } from './vehicle-lines.ts';

/** What every step needs. */
export interface Stage {
  readonly session: Session;
  readonly place: VehiclePlace;
  readonly lines: ReturnType<typeof vehicleLines>;
  readonly tell: Tell;
}

/** A PCID that no other car has, but for chance: 17 characters, which every reading takes. */
export const freshPcid = ({ wmis: [wmi = ''] }: Organization): string => `${wmi}P${digits(13)}`;

export const digits = (count: number): string =>
  Array.from({ length: count }, () => randomInt(10)).join('');

/** Makes the key of a car and has its maker certify it. */
export async function makeCar(
  { session, place, lines, tell }: Stage,
  { id: authority, title }: Authority,
): Promise<Car> {
  const { standard, pcid, folder } = place;
  const made = await makeKeyAndRequest(pcid, carCurves[standard]);
  await writeFile(place.key, made.key, { mode: 0o600, flag: 'wx' });
  await writeFile(`${folder}/vehicle.csr`, made.request);
  tell(
    `The car has a ${carCurves[standard]} key, which never leaves it: vehicle.key.\n` +
      `vehicle.csr asks for a certificate for its PCID, ${pcid}.`,
    lines.key,
  );

  const profile = `${standard}-oem-provisioning`;
  const body = { profile, authority, csr: made.request };
  const answer = await session.post('/v1/certificates', body);
  if (answer.status === 202) {
    throw new Failure(
      exitStatus.waiting,
      `${profile} has every request approved by somebody else`,
      {
        remedy: 'Bring a car that has its certificate: --key FILE --certificate FILE.',
      },
    );
  }
  const { certificateChain, notAfter } = answer.body as IssuedCertificate;
  await writeFile(place.certificate, certificateChain);
  const value = readPemBlocks(certificateChain).map(({ der }) => readCertificate(der));
  const car = carOf({ file: place.key, value: made.key }, { file: place.certificate, value });
  tell(
    `${title} has certified it: the provisioning certificate, by which the car\n` +
      `proves who it is, holds until ${day(notAfter)}.`,
    lines.certify(authority),
  );
  return car;
}

/** Has the maker register a car, which changes nothing where it is registered already. */
export async function registerCar({ session, place, lines, tell }: Stage, car: Car): Promise<void> {
  const { maker: organization } = place;
  const path = `/v1/provisioning-certificates?${new URLSearchParams({ organization })}`;
  const { status } = await session.post(path, {
    certificate: chainPem([car.certificate]),
    chain: chainPem(car.subCertificates),
  });
  const already = status === 200 ? 'had registered it before' : 'has registered it';
  tell(
    `Its maker, ${organization}, ${already}: contract keys for\nthe car are encrypted to this certificate.`,
    lines.register,
  );
}
