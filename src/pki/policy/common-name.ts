/**
 * A common name that reads like a host. Clients that find no DNS name in a certificate still
 * compare its common name with the host that they wanted to reach (RFC 2818 3.1, RFC 6125 6.4.4),
 * and no check of alternative names or name constraints has looked at that one.
 */

import { parseIpAddress } from '../../identifiers/ip-address.ts';
import { networkLookalike } from '../../identifiers/network-lookalike.ts';
import type { Profile } from '../profile.ts';
import type { GeneralName } from '../template.ts';
import { type Violation, violation } from '../violations.ts';
import { quote } from './quote.ts';

/**
 * Refuses such a name in a certificate that a server could show, unless it is one of the
 * alternative names and so has been checked as what it is. Without extended key usage a
 * certificate is good for servers too, as those of ISO 15118-2 are.
 */
export function checkCommonName(
  { extensions }: Profile,
  commonName: string | undefined,
  names: readonly GeneralName[],
): readonly Violation[] {
  const purposes = extensions.extendedKeyUsage?.purposes;
  const isForServers = purposes === undefined || purposes.includes('serverAuth');
  if (!isForServers || extensions.basicConstraints?.ca || commonName === undefined) return [];
  const lookalike = networkLookalike(commonName);
  if (lookalike === undefined) return [];
  const address = parseIpAddress(commonName);
  const normal = address.ok ? address.value.normal : commonName.toLowerCase();
  if (names.some(({ value }) => value === normal)) return [];
  const message = `The common name ${quote(commonName)} looks like ${lookalike} and is not among the alternative names.`;
  return [violation('subject-attribute-invalid', message, 'subject.CN')];
}
