/** `evpki cert revoke` and `evpki cert release`: ending a certificate, and lifting a hold. */

import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Certificate, Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { type Io, printable, printableJson } from './io.ts';
import { pathOf, type Session, withSession } from './session.ts';

const REASONS = [
  ...['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded'],
  ...['cessationOfOperation', 'certificateHold', 'privilegeWithdrawn'],
];

interface RevokeOptions {
  readonly reason: string;
  readonly waitForCrl?: true;
  readonly json?: true;
}

export function addRevocation(group: Command, io: Io): void {
  group
    .command('revoke')
    .description('Revokes a certificate, or puts it on hold; OCSP says so at once.')
    .argument('<id>', 'its id, as in the list, or a file with the certificate')
    .requiredOption('--reason <reason>', `why: ${REASONS.join(', ')}`)
    .option('--wait-for-crl', 'return only once a CRL lists it')
    .option('--json', "print the API's answer")
    .action((id: string, options: RevokeOptions) =>
      change(io, options.json, async (session) => {
        const query = options.waitForCrl ? '?wait=crl' : '';
        const path = `${await revocationOf(session, id)}${query}`;
        return session.post(path, { reason: options.reason });
      }),
    );
  group
    .command('release')
    .description('Lifts the hold of a certificate.')
    .argument('<id>', 'its id, as in the list, or a file with the certificate')
    .option('--json', "print the API's answer")
    .action((id: string, options: { readonly json?: true }) =>
      change(io, options.json, async (session) => session.delete(await revocationOf(session, id))),
    );
}

async function revocationOf(session: Session, idOrFile: string): Promise<string> {
  const id = existsSync(idOrFile) ? await idOfFile(session, idOrFile) : idOrFile;
  return `${pathOf('/v1/certificates', id)}/revocation`;
}

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

async function change(
  io: Io,
  json: true | undefined,
  call: (session: Session) => Promise<{ readonly body: unknown }>,
): Promise<void> {
  const certificate = (await withSession(io, call)).body as Certificate;
  if (json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }
  const { subject, state, revocationReason } = certificate;
  const why = revocationReason === undefined ? '' : ` (${revocationReason})`;
  io.stdout.write(`${printable(subject)} is ${printable(`${state}${why}`)} now.\n`);
}
