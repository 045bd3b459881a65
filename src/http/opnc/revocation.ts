import { certificatesInText } from '../../pki/certificate-text.ts';
import { decodeBase64 } from '../../pki/pem.ts';
import { type BroughtRevocationParts, revokeBrought } from '../../services/brought-revocation.ts';
import { ServiceError } from '../../services/errors.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import type { OpncRevocation } from './types.ts';

export type RevocationHandlerParts = BroughtRevocationParts;

export const revocationHandlers = (parts: RevocationHandlerParts) =>
  ({
    async opncRevokeCertificate(request, response, principal) {
      const { certificate, revocationReason } = request.body as OpncRevocation;
      await revokeBrought(parts, principal, oneCertificate(certificate), revocationReason);
      response.end();
    },
  }) satisfies PncHandlers;

/**
 * The DER of the one certificate in a text. OPNC calls it base64 of PEM, and its examples are base64
 * of DER: both are read, and PEM itself.
 * @throws ServiceError `request-malformed`, which never repeats the text
 */
export function oneCertificate(text: string): Uint8Array {
  const found = certificatesInText(pemInside(text) ?? text);
  if (!found.ok) throw malformed(found.reason);
  const [der, ...more] = found.value;
  if (!der || more.length > 0) throw malformed('it has more than one certificate');
  return der;
}

/** PEM that stands in base64 once more. */
function pemInside(text: string): string | undefined {
  const inside = Buffer.from(decodeBase64(text) ?? []).toString('latin1');
  return inside.includes('-----') ? inside : undefined;
}

const malformed = (message: string): ServiceError =>
  new ServiceError('request-malformed', 'this is no certificate', [
    { code: 'invalid', message, field: 'body.certificate' },
  ]);
