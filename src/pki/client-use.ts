/** Whether a certificate can say who somebody is as the client in TLS, as far as it shows by itself. */

import type { Certificate } from './certificate.ts';
import type { Violation } from './violations.ts';
import { keyWeaknesses } from './weak-keys.ts';

/** Something that speaks against it. */
export interface ClientUseFault {
  readonly code: 'certificate-key' | 'certificate-key-usage' | 'certificate-purpose';
  /** For people; begins with `its`. */
  readonly message: string;
}

/** What a certificate says against itself: who has its key could not use it so, or others could. */
export function clientUseFaults({
  publicKey,
  extensions: { keyUsage, extendedKeyUsage },
}: Pick<Certificate, 'publicKey' | 'extensions'>): readonly (ClientUseFault | Violation)[] {
  const faults: (ClientUseFault | Violation)[] = publicKey ? [...keyWeaknesses(publicKey)] : [];
  if (!publicKey) {
    const message = 'its public key is not one of the exact encodings that evpki accepts';
    faults.push({ code: 'certificate-key', message });
  }
  if (keyUsage && !keyUsage.usages.includes('digitalSignature')) {
    const message =
      'its key usage lacks digitalSignature, which TLS clients need (RFC 8446 4.4.2.2)';
    faults.push({ code: 'certificate-key-usage', message });
  }
  if (extendedKeyUsage && !extendedKeyUsage.purposes.some(isForClients)) {
    const message = 'its extended key usage lacks clientAuth (RFC 5280 4.2.1.12)';
    faults.push({ code: 'certificate-purpose', message });
  }
  return faults;
}

const isForClients = (purpose: string): boolean =>
  purpose === 'clientAuth' || purpose === 'anyExtendedKeyUsage';
