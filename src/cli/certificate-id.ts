/** Certificates are named by their id, or by a file with them. */

import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Certificate, Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import type { Session } from './session.ts';

export const certificateId = async (session: Session, idOrFile: string): Promise<string> =>
  existsSync(idOrFile) ? idOfFile(session, idOrFile) : idOrFile;

/** The id of the certificate in a PEM or DER file, the first if there are several. */
async function idOfFile(session: Session, file: string): Promise<string> {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(file));
  } catch {
    throw usageFailure(`${file} is neither an id nor a file with a certificate`);
  }
  const { serialNumber } = certificate;
  const { items } = await session.get<Page<Certificate>>('/v1/certificates', { serialNumber });
  const [found, another] = items;
  if (!found || another) {
    const count = another ? 'more than one certificate' : 'no certificate of yours';
    throw usageFailure(`${count} has the serial number ${serialNumber} of ${file}`);
  }
  return found.id;
}
