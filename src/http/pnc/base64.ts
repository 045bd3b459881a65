/** In one line, as platforms of Plug & Charge have it. */
export const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
