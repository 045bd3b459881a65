/** Cars, registered without their makers' chains, and what they do with the bundles they get. */

import { createECDH, generateKeyPairSync } from 'node:crypto';
import { openForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../../src/iso15118/key-transport/iso20.ts';
import { openForIso20X448 } from '../../src/iso15118/key-transport/iso20-x448.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { curves } from '../../src/pki/curves.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import type { Bundle, PncStandard } from '../../src/services/contract-records.ts';
import type {
  ProvisioningCertificate,
  ProvisioningStore,
} from '../../src/services/provisioning-records.ts';
import { provisioningStore } from '../../src/storage/provisioning.ts';
import type { Services } from './services.ts';

/** Somebody at the demo MO. */
export const demoMo: Principal = {
  actor: 'client:mo',
  organizationId: 'demo-mo',
  roles: ['emsp-operator'],
};

export interface Car {
  readonly registered: ProvisioningCertificate;
  /** Big-endian, of the curve's length. */
  readonly privateKey: Uint8Array;
}

const prefixes = {
  'P-256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  'P-521': '30819b301006072a8648ce3d020106052b8104002303818600',
} as const;
const HUNDRED_YEARS = 100 * 365 * 86_400_000;

let count = 0;
/** A PCID that no other car of this process has. */
export const newPcid = (): string => `DEM${String(++count).padStart(14, '0')}`;

/** A car that its maker is about to register. */
export function newCar(
  standard: PncStandard = 'iso15118-2',
  { pcid = newPcid(), organizationId = 'demo-oem' } = {},
): Car {
  const name = standard === 'iso15118-2' ? 'P-256' : 'P-521';
  const { nodeName, octets } = curves[name];
  const pair = createECDH(nodeName);
  const point = pair.generateKeys();
  const privateKey = Buffer.alloc(octets);
  pair.getPrivateKey().copy(privateKey, octets - pair.getPrivateKey().length);
  const spki = Buffer.concat([Buffer.from(prefixes[name], 'hex'), point]);
  const at = new Date();
  const registered: ProvisioningCertificate = {
    id: `pcp_${pcid}_${++count}`,
    ...{ organizationId, pcid, standard },
    certificate: point,
    subCertificates: [],
    spki,
    sha256: point.toString('hex').slice(0, 64),
    notBefore: at,
    notAfter: new Date(at.getTime() + HUNDRED_YEARS),
    registeredAt: at,
  };
  return { registered, privateKey };
}

/** A car with an Ed448 key, which can only sign, and an X448 key that keys are encrypted for. */
export function newX448Car({ pcid = newPcid(), organizationId = 'demo-oem' } = {}): Car {
  const signing = generateKeyPairSync('ed448').publicKey;
  const agreeing = generateKeyPairSync('x448');
  const { registered } = newCar('iso15118-20', { pcid, organizationId });
  return {
    registered: {
      ...registered,
      spki: signing.export({ format: 'der', type: 'spki' }),
      x448PublicKey: agreeing.publicKey.export({ format: 'der', type: 'spki' }).subarray(-56),
    },
    privateKey: agreeing.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-56),
  };
}

/** Registers a car, in place of the one with its PCID. */
export async function registerCar(
  { database }: Pick<Services, 'database'>,
  { registered }: Car,
  replaced?: Car,
): Promise<void> {
  const store: ProvisioningStore = provisioningStore(database);
  const outcome = await store.register({
    certificate: registered,
    ...(replaced ? { replaces: replaced.registered.id } : {}),
    audit: [],
    forOperators: {
      ...{ at: registered.registeredAt, actor: 'client:oem', action: 'vehicle.reregistered' },
      ...{ subject: registered.pcid, details: {} },
    },
  });
  if (outcome !== 'registered') throw new Error(outcome);
}

/**
 * Opens a bundle as the car does.
 * @returns the contract key, which is the certificate's; big-endian
 * @throws KeyTransportError when it is for somebody else
 */
export function openBundle(
  { registered, privateKey }: Car,
  { certificate, dhPublicKey, encryptedPrivateKey }: Bundle,
): Uint8Array {
  const { spki, extensions } = readCertificate(certificate);
  const sealed = { dhPublicKey, encryptedPrivateKey, privateKey, contractSpki: spki };
  if (registered.standard === 'iso15118-2') return openForIso2(sealed);
  const contractKeyIdentifier = extensions.subjectKeyIdentifier?.value ?? new Uint8Array();
  const open = registered.x448PublicKey ? openForIso20X448 : openForIso20;
  return open({ ...sealed, binding: { pcid: registered.pcid, contractKeyIdentifier } });
}
