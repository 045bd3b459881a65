/** Files of a car: certificates and keys as PEM or DER, messages as EXI or in base64. */

import { readFile } from 'node:fs/promises';
import { ExiError } from '../iso15118/exi/exi-error.ts';
import { decodeIso2 } from '../iso15118/exi/iso2.ts';
import { decodeIso20 } from '../iso15118/exi/iso20.ts';
import type { Iso15118Standard } from '../ocpp/contract-certificate.ts';
import { type Certificate, isSelfIssued, readCertificate } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { decodeBase64, PemError, readPemBlocks } from '../pki/pem.ts';
import { usageFailure } from './failure.ts';
import { unreadable } from './file-failure.ts';
import { readInput } from './input.ts';
import type { Io } from './io.ts';
import { type Car, carOf } from './vehicle-car.ts';

/** More than any message about certificates has. */
const MAX_MESSAGE = 64 * 1024;

export interface CarFiles {
  readonly certificate: string;
  readonly key: string;
  readonly chain?: readonly string[];
}

/** The car whose key and certificates are in files. */
export async function readCar(io: Io, files: CarFiles): Promise<Car> {
  const { certificate: file, chain = [] } = files;
  const read = await Promise.all([file, ...chain].map((one) => certificatesIn(io, one)));
  const value = await readFile(files.key, 'latin1').catch((error: unknown) => {
    throw unreadable(files.key, error);
  });
  return carOf({ file: files.key, value }, { file, value: read.flat() });
}

/** The roots among the certificates of files, whose other certificates do not matter. */
export async function readRoots(io: Io, files: readonly string[]): Promise<Certificate[]> {
  const read = await Promise.all(
    files.map(async (file) => {
      const roots = (await certificatesIn(io, file)).filter(isSelfIssued);
      if (roots.length > 0) return roots;
      throw usageFailure(`${file} has no root: no certificate that has issued itself`);
    }),
  );
  return read.flat();
}

/** The certificates of a file, PEM or DER: at least one. */
export async function certificatesIn(io: Io, file: string): Promise<Certificate[]> {
  const bytes = await readInput(io, file);
  try {
    // No text starts like this, and DER does.
    const isDer = bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80;
    const found = isDer
      ? [bytes]
      : readPemBlocks(bytes.toString('latin1'))
          .filter(({ label }) => label === 'CERTIFICATE')
          .map(({ der }) => der);
    if (found.length > 0) return found.map((der) => readCertificate(der));
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
  }
  throw usageFailure(`${file} has no certificate that can be read, neither as PEM nor as DER`);
}

/** A message: EXI as it is, which no text starts like, or in base64, as OCPP carries it. */
export async function readMessage(io: Io, file: string): Promise<Uint8Array> {
  const bytes = await readInput(io, file);
  const isExi = (bytes[0] ?? 0) >= 0x80;
  const message = isExi ? bytes : decodeBase64(bytes.toString('latin1'));
  if (message !== undefined && message.length > 0 && message.length <= MAX_MESSAGE) return message;
  throw usageFailure(`${file} holds no message, neither as EXI nor in base64`);
}

/** The session of a request that was made before. */
export function sessionOf(standard: Iso15118Standard, exi: Uint8Array, file: string): Uint8Array {
  try {
    const header =
      standard === 'iso15118-2' ? decodeIso2(exi).message.header : decodeIso20(exi).message.header;
    return header.sessionId;
  } catch (error) {
    if (!(error instanceof ExiError)) throw error;
    throw usageFailure(`${file} is no request of ${standard}: ${error.message}`);
  }
}
