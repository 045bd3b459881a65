/** Certs-only CMS as other people's code reads it: with pkijs, which keeps the order. */

import * as pkijs from 'pkijs';

/** @returns DER of each certificate, in the order in which they stand there */
export function pkijsCertificates(der: Uint8Array): Buffer[] {
  const info = pkijs.ContentInfo.fromBER(new Uint8Array(der));
  if (info.contentType !== pkijs.ContentInfo.SIGNED_DATA) throw new Error('no signed data');
  const signed = new pkijs.SignedData({ schema: info.content });
  return (signed.certificates ?? []).map((certificate) =>
    Buffer.from((certificate as pkijs.Certificate).toSchema(false).toBER()),
  );
}
