/** OpenSSL as a second opinion on paths: on our own cases, and on chains with faults drawn at random. */

import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { validatePath } from '../../src/pki/path/validate-path.ts';
import { drawing, seed } from '../support/chance.ts';
import { workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import type { PathCase } from '../support/path-case.ts';
import { pathCases } from '../support/path-cases.ts';
import {
  alternativeNames,
  authority,
  extendedKeyUsage,
  extension,
  general,
  keyUsage,
  leaf,
  nameConstraints,
  pemOf,
  root,
  type Spec,
} from '../support/path-certificates.ts';

const bench = workbench();
afterAll(() => bench.remove());

const ordinaryTime = '2030-01-01T00:00:00Z';

/** Whether OpenSSL accepts the chain. */
function opensslAccepts({ certificate, candidates = [], anchors, rules = {} }: PathCase): boolean {
  bench.write('anchors.pem', anchors.map(pemOf).join(''));
  // Which must not be empty; a copy of an anchor is no more than that.
  bench.write('candidates.pem', [...candidates, ...anchors].map(pemOf).join(''));
  bench.write('certificate.pem', pemOf(certificate));
  const { at = ordinaryTime, purpose, policies } = rules;
  const options = [
    ...['-attime', String(Math.floor(new Date(at).getTime() / 1000))],
    ...['-purpose', purpose === 'serverAuth' ? 'sslserver' : 'any'],
    ...(policies?.acceptable ?? []).flatMap((policy) => ['-policy', policy]),
    ...(policies?.requireExplicit ? ['-explicit_policy'] : []),
    ...(policies?.inhibitMapping ? ['-inhibit_map'] : []),
    ...(policies?.inhibitAny ? ['-inhibit_any'] : []),
  ];
  const { status, stdout } = spawnSync(
    'openssl',
    [
      ...['verify', '-x509_strict', '-partial_chain', '-policy_check', '-no-CApath', '-no-CAstore'],
      ...[...options, '-CAfile', 'anchors.pem', '-untrusted', 'candidates.pem', 'certificate.pem'],
    ],
    { cwd: bench.folder, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } },
  );
  return status === 0 && stdout === 'certificate.pem: OK\n';
}

const accepts = ({ certificate, candidates = [], anchors, rules = {} }: PathCase): boolean => {
  const { at = ordinaryTime, ...others } = rules;
  return validatePath({ ...others, certificate, candidates, anchors, at: new Date(at) }).ok;
};

/** Where OpenSSL 3 says something else about a case, and why we do not follow. */
const differences: ReadonlyMap<string, string> = new Map([
  ['building/contradicting-key-identifier', 'it takes key identifiers for proof of who signed'],
  ['building/expired-root-replaced', 'it looks at one path, and that has expired'],
  ['pathological/cycle-with-a-way-out', 'it looks at one path, and that is a cycle'],
  ['validity/last-second', 'it excludes notAfter, which RFC 5280 4.1.2.5 includes'],
  ['validity/within-last-second', 'it excludes notAfter, which RFC 5280 4.1.2.5 includes'],
  ['validity/expired-anchor-tolerated', 'a tolerance of ours'],
  ['aki/critical-as-annex-b', 'a tolerance of ours'],
  ['ski/critical-as-annex-b', 'a tolerance of ours'],
  ['aki/missing-tolerated', 'a tolerance of ours'],
  ['crl/leaf-revoked', 'it is told of no revocation here'],
  ['crl/authority-revoked', 'it is told of no revocation here'],
  ['pathlen/caller-allows-none', 'a demand that it cannot be told'],
  ['pathological/nine-certificates', 'a limit of ours'],
  ['eku/any', 'for TLS it does not count anyExtendedKeyUsage'],
  ['eku/ocsp-signing-of-root', 'it does not except OCSPSigning in an authority'],
  ['serial/zero', 'it does not look at serial numbers'],
  ['serial/negative', 'it does not look at serial numbers'],
  ['serial/twenty-one-octets', 'it does not look at serial numbers'],
  ['extensions/duplicate', 'it looks for duplicates only among extensions that it knows'],
  ['extensions/critical-qualifier', 'it ignores qualifiers'],
  ['nc/dns-wildcard-meets-excluded', 'it compares a wildcard as if it were a label'],
  ['nc/dns-malformed-name', 'it compares whatever stands in a dNSName'],
  ['nc/dns-leading-dot', 'it knows the leading dot in constraints on DNS names'],
  ['nc/ip-mask-with-gaps', 'it applies any mask'],
  ['nc/email-malformed-base', 'it does not look at a base that no name is compared with'],
  ['nc/uri-host', 'it takes the user for a part of the host'],
  ['nc/uri-with-address', 'it compares an IP address as if it were a domain name'],
  ['nc/not-critical', 'it does not demand the criticality of RFC 5280 4.2.1.10'],
  ['nc/in-leaf', 'it does not mind constraints in a leaf'],
  ['pc/not-critical', 'it does not demand the criticality of RFC 5280 4.2.1.11'],
  ['pc/inhibit-any-not-critical', 'it does not demand the criticality of RFC 5280 4.2.1.14'],
  ['pc/explicit-by-anchor', 'to it an anchor demands no policies'],
  ['pc/mapping-of-any', 'it drops such a mapping and refuses only where a policy is demanded'],
]);

describe.skipIf(noOpenssl)('OpenSSL as a second opinion', () => {
  const ids = pathCases.map(({ id }) => id);

  test('each difference is about a case that there is', () => {
    expect([...differences.keys()].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.each(pathCases.filter(({ id }) => !differences.has(id)))('A3 agrees on $id', (given) => {
    expect(opensslAccepts(given)).toBe(given.problems.length === 0);
  });

  test.each(pathCases.filter(({ id }) => differences.has(id)))('A3 differs on $id', (given) => {
    expect(opensslAccepts(given)).toBe(given.problems.length > 0);
  });

  test(`A3 agrees on chains with faults drawn at random (seed ${seed})`, () => {
    const draw = drawing('paths');
    const verdicts = Array.from({ length: 80 }, (_, index) => {
      const drawn = drawnCase(draw, index);
      const verdict = accepts(drawn);
      expect(opensslAccepts(drawn), `${drawn.about}, seed ${seed}`).toBe(verdict);
      return verdict;
    });
    expect(new Set(verdicts)).toEqual(new Set([true, false]));
  });
});

/** A chain of one to four authorities, some of which have something wrong with them. */
function drawnCase(draw: (most: number) => number, index: number): PathCase {
  const depth = draw(4);
  const names = ['Root', ...Array.from({ length: depth - 1 }, (_, level) => `Sub ${level + 1}`)];
  const about: string[] = [];
  const authorities = names.map((name, level) => {
    const [fault, spec] = drawnFault(draw);
    about.push(`${name}: ${fault}`);
    return level === 0 ? root(name, spec) : authority(name, names[level - 1] as string, spec);
  });
  const hosts = ['a.example', 'b.a.example', 'b.example'].map(general.dns);
  const extensions = [
    alternativeNames([hosts[draw(3) - 1] as Uint8Array]),
    ...(draw(3) === 1 ? [extendedKeyUsage(draw(2) === 1 ? 'clientAuth' : 'serverAuth')] : []),
  ];
  const [anchor, ...candidates] = authorities;
  return {
    id: `drawn/${index}`,
    about: about.join(', '),
    certificate: leaf(names.at(-1) as string, { extensions, tampered: draw(15) === 1 }),
    candidates,
    anchors: anchor ? [anchor] : [],
    rules: { purpose: 'serverAuth' },
    problems: [],
  };
}

function drawnFault(draw: (most: number) => number): [string, Partial<Spec>] {
  const pathLength = draw(4) - 1;
  switch (draw(12)) {
    case 1:
      return ['expired', { notAfter: '2027-01-01T00:00:00Z' }];
    case 2:
      return ['signs no certificates', { extensions: [keyUsage('cRLSign')] }];
    case 3:
      return ['no authority', { ca: false }];
    case 4:
      return [
        'permits a.example',
        { extensions: [nameConstraints({ permitted: [general.dns('a.example')] })] },
      ];
    case 5:
      return [
        'excludes b.example',
        { extensions: [nameConstraints({ excluded: [general.dns('b.example')] })] },
      ];
    case 6:
      return [
        'critical and unknown',
        { extensions: [extension('1.2.3.4', Buffer.from('0500', 'hex'), true)] },
      ];
    case 7:
    case 8:
    case 9:
      return [`path length ${pathLength}`, { pathLength }];
    default:
      return ['nothing', {}];
  }
}
