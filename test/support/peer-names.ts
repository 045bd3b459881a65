/**
 * Whether a certificate is that of a peer (RFC 6125 6, RFC 9525 6): no part of path validation, and
 * of nothing that evpki does; cases of others ask for it together with the path.
 */

import { parseIpAddress } from '../../src/identifiers/ip-address.ts';
import type { Certificate } from '../../src/pki/certificate.ts';
import type { AnyGeneralName } from '../../src/pki/extensions/general-names.ts';

export interface PeerName {
  readonly kind: 'DNS' | 'IP' | 'RFC822';
  readonly value: string;
}

export const hasPeerName = ({ extensions }: Certificate, peer: PeerName): boolean =>
  (extensions.subjectAltName?.names ?? []).some((name) => matches(name, peer));

function matches(name: AnyGeneralName, { kind, value }: PeerName): boolean {
  if (kind === 'DNS' && name.kind === 'dns') {
    return matchesHost(name.value.toLowerCase(), value.toLowerCase());
  }
  if (kind === 'IP' && name.kind === 'ip') {
    const address = parseIpAddress(value);
    return address.ok && address.value.normal === name.value;
  }
  // An rfc822Name, whose tag is [1].
  const isMail = kind === 'RFC822' && name.kind === 'other' && name.tag === 0x81;
  return isMail && Buffer.from(name.value).toString('latin1') === value;
}

/** A wildcard stands for the whole leftmost label. */
const matchesHost = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.replace(/^[^.]+/, '') === pattern.slice(1));
