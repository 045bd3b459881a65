import { type Parsed, parsed, unparsed } from './parsed.ts';

export interface IpAddress {
  readonly version: 4 | 6;
  /** 4 or 16 octets in network order, as an iPAddress carries them (RFC 5280 4.2.1.6). */
  readonly bytes: Uint8Array;
  /** Dotted decimal, or the one canonical text of RFC 5952. */
  readonly normal: string;
}

/**
 * Reads the text of an IPv4 or IPv6 address. IPv4 is four decimal numbers without leading zeros
 * (some software reads those as octal); IPv6 is any text of RFC 4291 2.2, without brackets and
 * without a zone.
 */
export const parseIpAddress = (text: string): Parsed<IpAddress> => {
  // The longest text of an address is an IPv6 one with an IPv4 tail: 45 characters.
  const bytes = text.length > 45 ? undefined : (ipv4Bytes(text) ?? ipv6Bytes(text));
  return bytes === undefined
    ? unparsed('This is not the text of an IPv4 or IPv6 address')
    : readIpAddress(Uint8Array.from(bytes));
};

/** Reads the octets of an address, 4 or 16 of them in network order. */
export const readIpAddress = (bytes: Uint8Array): Parsed<IpAddress> => {
  if (bytes.length === 4) return parsed({ version: 4, bytes, normal: bytes.join('.') });
  if (bytes.length === 16) return parsed({ version: 6, bytes, normal: ipv6Text(bytes) });
  return unparsed(`An IP address has 4 or 16 octets, this one has ${bytes.length}`);
};

const ipv4Bytes = (text: string): readonly number[] | undefined => {
  const parts = text.split('.');
  const right = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part));
  const bytes = parts.map(Number);
  return right && bytes.every((byte) => byte <= 255) ? bytes : undefined;
};

const ipv6Bytes = (text: string): readonly number[] | undefined => {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves;
  if (left === undefined) return undefined;
  // Only the end of the whole address may be written as IPv4.
  const head = groupBytes(left, right === undefined);
  if (right === undefined) return head?.length === 16 ? head : undefined;
  const tail = groupBytes(right, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // A double colon stands for one group of zeros at least.
  return missing < 2 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
};

const groupBytes = (text: string, mayEndInIpv4: boolean): readonly number[] | undefined => {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const ipv4 = mayEndInIpv4 && index === groups.length - 1 ? ipv4Bytes(group) : undefined;
    if (ipv4 !== undefined) bytes.push(...ipv4);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
};

/** RFC 5952: lower case, no leading zeros, the first longest run of zero groups as `::`. */
const ipv6Text = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  // IPv4-mapped addresses read as what they are (RFC 5952 5).
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff') {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  let [start, length] = [0, 0];
  for (let from = 0; from < 8; from += 1) {
    let to = from;
    while (groups[to] === '0') to += 1;
    if (to - from > length) [start, length] = [from, to - from];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
};
