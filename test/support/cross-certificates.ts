/** Roots that somebody else runs, made with openssl: what cross-certificates are for. */

import { opensslNewKey, type Workbench } from './openssl.ts';

const OTHER_ROOT = '/C=DE/O=Other V2G Operator/CN=Other V2G Root CA/DC=V2G';

/** As operators make one; openssl gives it a key identifier of 20 octets. */
const ROOT_EXTENSIONS = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];

/**
 * A root that has signed itself, in PEM; `<name>.pem` and `<name>.key` stay in the folder.
 * @param extensions lines of an extension section of openssl's configuration
 */
export function opensslRoot(
  bench: Workbench,
  name: string,
  {
    key = 'P-256',
    subject = OTHER_ROOT,
    days = 3650,
    extensions = ROOT_EXTENSIONS as readonly string[],
  } = {},
): string {
  const config = ['[req]', 'distinguished_name=dn', '[dn]', '[root]', ...extensions].join('\n');
  bench.write(`${name}.cnf`, config);
  bench.openssl(
    ...['req', '-x509', '-new', ...opensslNewKey(key), '-nodes', '-subj', subject],
    ...['-days', String(days), '-config', `${name}.cnf`, '-extensions', 'root'],
    ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
  );
  return bench.read(`${name}.pem`);
}

/** A certificate below one in the folder, in PEM. */
export function opensslBelow(
  bench: Workbench,
  name: string,
  issuer: string,
  subject: string,
  extensions: readonly string[],
): string {
  bench.openssl(
    ...['req', '-new', ...opensslNewKey('P-256'), '-nodes', '-subj', subject],
    ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
  );
  const identifiers = ['subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid:always'];
  bench.write(`${name}.ext`, [...extensions, ...identifiers].join('\n'));
  bench.openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`],
    ...['-days', '365', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
  );
  return bench.read(`${name}.pem`);
}
