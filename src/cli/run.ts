/** The `evpki` command: its groups, and what becomes of the errors of any of them. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addApiClients } from './api-clients.ts';
import { addAudit } from './audit.ts';
import { addAuthorities } from './authorities.ts';
import { addCertificates } from './certificates.ts';
import { addConfig } from './config.ts';
import { addContracts } from './contracts.ts';
import { addEnrolmentSecrets } from './enrolment-secrets.ts';
import { exitStatus, tellFailure } from './failure.ts';
import { addHierarchies } from './hierarchies.ts';
import { type Io, printable } from './io.ts';
import { addLogin } from './login.ts';
import { addOrganizations } from './organizations.ts';
import { addProfiles } from './profiles.ts';
import { addProposals } from './proposals.ts';
import { addProvisioning } from './provisioning.ts';
import { addQuickstart } from './quickstart.ts';
import { addRequests } from './requests.ts';
import { addStations } from './stations.ts';
import { addTrustAnchors } from './trust-anchors.ts';
import { addVehicles } from './vehicle.ts';

/**
 * Runs one command line.
 * @param argv the words after `evpki`
 * @returns the exit status; errors have been told on stderr by then
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const options = new Set<string>();
  const program = buildProgram(io).hook('preAction', (_program, command) => {
    for (const { long } of command.options) if (long) options.add(long);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitStatus.ok;
  } catch (error) {
    // Commander has said what it had to say: help, version, or what is wrong with the words.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
    return tellFailure(io, error, options);
  }
}

/** All commands with their options. */
export function buildProgram(io: Io): Command {
  const program = new Command('evpki')
    .description('PKI and certificate lifecycle service for electric-vehicle charging')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .showHelpAfterError('Add --help to see what there is.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(sayWho(text)),
    });
  addLogin(program, io);
  addQuickstart(program, io);
  addVehicles(program, io);
  addCertificates(program, io);
  addRequests(program, io);
  addProposals(program, io);
  addAuthorities(program, io);
  addHierarchies(program, io);
  addOrganizations(program, io);
  addStations(program, io);
  addEnrolmentSecrets(program, io);
  addProvisioning(program, io);
  addContracts(program, io);
  addTrustAnchors(program, io);
  addProfiles(program, io);
  addApiClients(program, io);
  addAudit(program, io);
  addConfig(program, io);
  return program;
}

const sayWho = (text: string): string =>
  `${text
    .trimEnd()
    .split('\n')
    .map(printable)
    .join('\n')
    .replace(/^error: /, 'evpki: ')}\n`;

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
