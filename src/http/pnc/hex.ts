/** Pairs of lower-case hex digits with colons between them. */
export const colonHex = (octets: Uint8Array): string =>
  [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
