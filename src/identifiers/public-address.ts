/**
 * Which IP addresses are somebody's on the public internet. What is asked for by others' URLs may
 * go there and nowhere else: not to this machine, its network, or the metadata service of a cloud.
 */

import { type IpAddress, parseIpAddress } from './ip-address.ts';

/** The special-purpose blocks of IPv4 (RFC 6890 and its registry), and multicast. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(block);

/** What of IPv6 is given out to anybody at all (RFC 4291 2.4); the rest is special by definition. */
const GLOBAL_IPV6 = block('2000::/3');

/**
 * Special within: protocol assignments with Teredo, documentation, and 6to4, in which an IPv4
 * address is hidden. Mapped and translated IPv4 (`::ffff:0:0/96`, `64:ff9b::/96`) are outside.
 */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map(block);

/** Whether an address is of the public internet, in the only form in which it is: never mapped. */
export function isPublicAddress(address: IpAddress): boolean {
  const isIn = (range: Block) => contains(range, address);
  if (address.version === 4) return !SPECIAL_IPV4.some(isIn);
  return isIn(GLOBAL_IPV6) && !SPECIAL_IPV6.some(isIn);
}

interface Block {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

function block(text: string): Block {
  const [start = '', bits] = text.split('/');
  const address = parseIpAddress(start);
  if (!address.ok) throw new Error(`${text} is no block of addresses`);
  return { bytes: address.value.bytes, bits: Number(bits) };
}

const contains = ({ bytes, bits }: Block, address: IpAddress): boolean =>
  bytes.length === address.bytes.length &&
  bytes.every((byte, index) => {
    // How many of this octet's bits count.
    const counted = Math.min(8, Math.max(0, bits - 8 * index));
    const mask = (0xff << (8 - counted)) & 0xff;
    return (byte & mask) === ((address.bytes[index] ?? 0) & mask);
  });
