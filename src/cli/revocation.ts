/** `evpki cert revoke` and `evpki cert release`: ending a certificate, and lifting a hold. */

import type { Command } from 'commander';
import { acceptedReasons } from '../pki/lifecycle.ts';
import type { Certificate, Proposal } from './api-bodies.ts';
import { certificateId } from './certificate-id.ts';
import { usageFailure } from './failure.ts';
import { type Io, printable, printableJson } from './io.ts';
import { waits } from './proposals.ts';
import { pathOf, type Session, withSession } from './session.ts';

interface RevokeOptions {
  readonly authority?: string;
  readonly serial?: string;
  readonly reason: string;
  readonly waitForCrl?: true;
  readonly json?: true;
}

export function addRevocation(group: Command, io: Io): void {
  group
    .command('revoke')
    .description('Revokes a certificate, or puts it on hold; OCSP says so at once.')
    .argument('[id]', 'its id, as in the list, or a file with the certificate')
    .option('--authority <id>', 'with --serial instead of an id: who signed it')
    .option('--serial <hex>', 'its serial number; of exported authorities any')
    .requiredOption('--reason <reason>', `why: ${acceptedReasons.join(', ')}`)
    .option('--wait-for-crl', 'return only once a CRL lists it')
    .option('--json', "print the API's answer")
    .action((id: string | undefined, options: RevokeOptions) => {
      const { authority, serial, reason } = options;
      const isBySerial = authority !== undefined && serial !== undefined;
      if (
        (id === undefined) !== isBySerial ||
        (authority === undefined) !== (serial === undefined)
      ) {
        throw usageFailure('name the certificate, or --authority and --serial');
      }
      return change(io, options.json, async (session) => {
        const query = options.waitForCrl ? '?wait=crl' : '';
        if (id !== undefined) {
          return session.post(`${await revocationOf(session, id)}${query}`, { reason });
        }
        const path = `${pathOf('/v1/authorities', authority ?? '')}/revocations${query}`;
        return session.post(path, { serialNumber: serial, reason });
      });
    });
  group
    .command('release')
    .description('Lifts the hold of a certificate.')
    .argument('<id>', 'its id, as in the list, or a file with the certificate')
    .option('--json', "print the API's answer")
    .action((id: string, options: { readonly json?: true }) =>
      change(io, options.json, async (session) => session.delete(await revocationOf(session, id))),
    );
}

const revocationOf = async (session: Session, idOrFile: string): Promise<string> =>
  `${pathOf('/v1/certificates', await certificateId(session, idOrFile))}/revocation`;

async function change(
  io: Io,
  json: true | undefined,
  call: (session: Session) => Promise<{ readonly status: number; readonly body: unknown }>,
): Promise<void> {
  const answer = await withSession(io, call);
  if (answer.status === 202) throw waits(answer.body as Proposal, json, io);
  const certificate = answer.body as Certificate;
  if (json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }
  const { subject, serialNumber, state, revocationReason } = certificate;
  const why = revocationReason === undefined ? '' : ` (${revocationReason})`;
  io.stdout.write(
    `${printable(subject || `The serial number ${serialNumber}`)} is ${printable(`${state}${why}`)} now.\n`,
  );
}
