/** Certificate verifiers that other people wrote, run as processes; their verdict on a chain. */

import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** A certificate, those above it nearest first, and the root, which is the only anchor. PEM. */
export interface Path {
  readonly certificate: string;
  readonly issuers: readonly string[];
  readonly root: string;
}

export interface Verdict {
  readonly accepted: boolean;
  /** Whether a signature that does not verify is among the reasons against it. */
  readonly badSignature: boolean;
  /** Standard output and standard error. */
  readonly output: string;
}

export interface OtherTool {
  /** As EVPKI_REQUIRE names it. */
  readonly name: 'openssl' | 'gnutls' | 'strongswan';
  /** As the column of docs/interop.md is headed, followed there by the version. */
  readonly title: string;
  /** Undefined where it is not installed. */
  readonly version: string | undefined;
  /**
   * Whether it looks at the signature of a root that it verifies by itself. One that does not has
   * to verify something below the root instead.
   */
  readonly looksAtRoots: boolean;
  verify(path: Path): Promise<Verdict>;
}

/** `openssl verify` with these options; without -check_ss_sig it leaves a root's signature alone. */
export const opensslVerify = (
  options: readonly string[],
  { certificate, issuers, root }: Path,
): Promise<Verdict> =>
  run(
    'openssl',
    [
      ...['verify', '-check_ss_sig', '-no-CApath', '-no-CAstore', ...options],
      ...['-CAfile', 'root.pem', '-untrusted', 'issuers.pem', 'certificate.pem'],
    ],
    {
      'certificate.pem': certificate,
      // Which must not be empty; a copy of the root is no anchor here.
      'issuers.pem': [...issuers, root].join(''),
      'root.pem': root,
    },
    (output) => output === 'certificate.pem: OK\n',
    'certificate signature failure',
  );

const openssl: OtherTool = {
  name: 'openssl',
  title: 'OpenSSL',
  version: versionOf('openssl', ['version'], /^OpenSSL (\S+)/),
  looksAtRoots: true,
  verify: (path) => opensslVerify(['-x509_strict', '-purpose', 'any'], path),
};

const gnutls: OtherTool = {
  name: 'gnutls',
  title: 'GnuTLS',
  // Some builds are without OCSP.
  version:
    versionOf('ocsptool', ['--version'], /^ocsptool/) &&
    versionOf('certtool', ['--version'], /^certtool (\S+)/),
  looksAtRoots: true,
  verify: ({ certificate, issuers, root }) =>
    run(
      'certtool',
      ['--verify', '--load-ca-certificate', 'root.pem', '--infile', 'chain.pem'],
      { 'chain.pem': [certificate, ...issuers].join(''), 'root.pem': root },
      (output) =>
        output.includes('Chain verification output: Verified. The certificate is trusted.'),
      'The signature in the certificate is invalid.',
    ),
};

const strongswan: OtherTool = {
  name: 'strongswan',
  title: 'strongSwan',
  version: versionOf('pki', ['--help'], /strongSwan (\S+) PKI tool/),
  looksAtRoots: false,
  verify: ({ certificate, issuers, root }) => {
    const above = [root, ...issuers].map((pem, index): [string, string] => [`${index}.pem`, pem]);
    return run(
      'pki',
      ['--verify', '--in', 'certificate.pem', ...above.flatMap(([file]) => ['--cacert', file])],
      { 'certificate.pem': certificate, ...Object.fromEntries(above) },
      // `--cacert` trusts whatever it names; only what is self-signed ends the path, though.
      (output) =>
        output.includes('certificate trusted, lifetimes valid') &&
        output.includes('reached self-signed root ca'),
      // Who did not sign is no issuer to strongSwan, and every issuer was given to it.
      'no issuer certificate found',
    );
  },
};

export const otherTools: readonly OtherTool[] = [openssl, gnutls, strongswan];

const required = (process.env.EVPKI_REQUIRE ?? '').split(',').map((name) => name.trim());

export const isRequired = (name: string): boolean => required.includes(name);

/** Not installed, nor named by EVPKI_REQUIRE: what that names is used, and fails where it is not. */
const mayBeMissing = ({ name, version }: OtherTool): boolean =>
  version === undefined && !isRequired(name);

/** For `skipIf`: whether tests that need the openssl command are left out. */
export const noOpenssl = mayBeMissing(openssl);
/** For `skipIf`: whether tests that need certtool or ocsptool are left out. */
export const noGnutls = mayBeMissing(gnutls);
/** For `skipIf`: whether tests that need strongSwan's pki command are left out. */
export const noStrongswan = mayBeMissing(strongswan);
/** Those whose verdicts are asked for. */
export const usedTools: readonly OtherTool[] = otherTools.filter((tool) => !mayBeMissing(tool));

/** Has OpenSSL judge what a test comes to by itself; leaves that out where `noOpenssl` says so. */
export function withOpenssl(judge: () => void): void {
  if (!noOpenssl) judge();
}

/** Says by name which tool is missing that EVPKI_REQUIRE demands. */
export const testToolRequirements = (): void =>
  test.each(otherTools)('$title is there if EVPKI_REQUIRE demands it', ({ name, version }) => {
    expect(version !== undefined || !isRequired(name), `${name} is not installed`).toBe(true);
  });

function versionOf(command: string, args: string[], pattern: RegExp): string | undefined {
  try {
    const text = execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return pattern.exec(text)?.[1] ?? 'of unknown version';
  } catch {
    return undefined;
  }
}

async function run(
  command: string,
  args: readonly string[],
  files: Readonly<Record<string, string>>,
  saysYes: (output: string) => boolean,
  saysBadSignature: string,
): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'evpki-tool-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await new Promise((resolve, reject) => {
      // A tool that is translated says something else than its messages here.
      const env = { ...process.env, LC_ALL: 'C' };
      execFile(command, args, { cwd: folder, env, timeout: 20_000 }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') return reject(error);
        const output = stdout + stderr;
        const badSignature = output.includes(saysBadSignature);
        resolve({ accepted: !error && saysYes(output), badSignature, output });
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
