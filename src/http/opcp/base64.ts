/** In one line, as all of OPCP has it. */
export const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
