/** `evpki cert revoke` and `evpki cert release`: ending a certificate, and lifting a hold. */

import type { Command } from 'commander';
import { acceptedReasons } from '../pki/lifecycle.ts';
import type { Certificate, Proposal } from './api-bodies.ts';
import { certificateId } from './certificate-id.ts';
import { type Io, printable, printableJson } from './io.ts';
import { waits } from './proposals.ts';
import { pathOf, type Session, withSession } from './session.ts';

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
    .requiredOption('--reason <reason>', `why: ${acceptedReasons.join(', ')}`)
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
  const { subject, state, revocationReason } = certificate;
  const why = revocationReason === undefined ? '' : ` (${revocationReason})`;
  io.stdout.write(`${printable(subject)} is ${printable(`${state}${why}`)} now.\n`);
}
