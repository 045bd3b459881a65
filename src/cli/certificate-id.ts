/** Certificates are named by their id, or by a file with them. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Certificate, Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { unreadable } from './file-failure.ts';
import type { Session } from './session.ts';

/** As the service makes them; a file of such a name is named with its folder, as `./crt_a`. */
const ID = /^crt_[0-9a-z]+$/;

export const certificateId = async (session: Session, idOrFile: string): Promise<string> =>
  ID.test(idOrFile) ? idOrFile : idOfFile(session, idOrFile);

/** The id of the certificate in a PEM or DER file, the first if there are several. */
async function idOfFile(session: Session, file: string): Promise<string> {
  const { serialNumber } = readCertificate(file);
  const { items } = await session.get<Page<Certificate>>('/v1/certificates', { serialNumber });
  const [found, another] = items;
  if (!found || another) {
    const count = another ? 'more than one certificate' : 'no certificate of yours';
    throw usageFailure(`${count} has the serial number ${serialNumber} of ${file}`);
  }
  return found.id;
}

function readCertificate(file: string): X509Certificate {
  const bytes = readBytes(file);
  try {
    return new X509Certificate(bytes);
  } catch {
    throw usageFailure(`${file} is neither an id nor a file with a certificate`);
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(
      file,
      error,
      'Ids of certificates begin with crt_; `evpki cert list` has them.',
    );
  }
}
