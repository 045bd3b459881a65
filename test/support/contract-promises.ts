/** What evpki promises about contracts and their keys, looked up in the tables and files. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import type { Bundle } from '../../src/services/contract-records.ts';
import { listBundles } from '../../src/storage/contract-bundles.ts';
import type { Database } from '../../src/storage/database.ts';
import type { ContractBundleRow, ContractRow } from '../../src/storage/rows/plug-and-charge.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';

export interface CarKey {
  readonly pcid: string;
  readonly privateKey: Uint8Array;
}

/** Every broken promise as a sentence, once recovery has been done and nobody is at work. */
export async function brokenContracts(
  database: Database,
  cars: readonly CarKey[],
): Promise<string[]> {
  const { reader } = database;
  const contracts = await reader<ContractRow>('contracts').select();
  const rows = await reader<ContractBundleRow>('contract_bundles').select();
  const certificates = await reader<CertificateRow>('certificates')
    .where({ profile: 'iso15118-2-contract' })
    .select();
  const broken: string[] = [];
  for (const { id, state } of certificates) {
    const bundles = rows.filter((row) => row.certificate_id === id).length;
    if (bundles !== (state === 'abandoned' ? 0 : 1)) {
      broken.push(`the ${state} certificate ${id} has ${bundles} bundles`);
    }
  }
  for (const { id, state, pcid } of contracts) {
    if (state === 'pending') broken.push(`${id} is still pending`);
    const own = rows.filter((row) => row.contract_id === id);
    const numbers = own.map(({ generation }) => Number(generation)).sort((a, b) => a - b);
    if (numbers.length === 0 || numbers.some((number, index) => number !== index + 1)) {
      broken.push(`${id} has the bundles ${numbers.join(', ') || 'none'}`);
    }
    const wrong = {
      active: ['held'],
      suspended: ['issued'],
      ended: ['issued', 'held'],
      pending: [],
    };
    for (const { certificate_id } of own) {
      const certificate = certificates.find((row) => row.id === certificate_id);
      if (certificate && wrong[state].includes(certificate.state as never)) {
        broken.push(`${certificate.id} of ${id}, which is ${state}, is ${certificate.state}`);
      }
    }
    const keys = cars.filter((car) => car.pcid === pcid);
    const { unopened } = contractKeysOf(await listBundles(database, id), keys);
    broken.push(...unopened.map((bundle) => `nobody can open the bundle ${bundle}`));
  }
  return broken;
}

/** The keys that the cars get out of the bundles of a contract, by car or by former key. */
export function contractKeysOf(
  bundles: readonly Bundle[],
  cars: readonly CarKey[],
): { readonly keys: readonly Uint8Array[]; readonly unopened: readonly string[] } {
  const keys: Uint8Array[] = [];
  const unopened: string[] = [];
  for (const bundle of bundles.toReversed()) {
    const opened = [...cars.map(({ privateKey }) => privateKey), ...keys]
      .map((privateKey) => opening(bundle, privateKey))
      .find((key) => key !== undefined);
    if (opened) keys.push(opened);
    else unopened.push(bundle.id);
  }
  return { keys, unopened };
}

function opening(bundle: Bundle, privateKey: Uint8Array): Uint8Array | undefined {
  const { dhPublicKey, encryptedPrivateKey, certificate } = bundle;
  const contractSpki = readCertificate(certificate).spki;
  try {
    return openForIso2({ dhPublicKey, encryptedPrivateKey, privateKey, contractSpki });
  } catch {
    return undefined;
  }
}

/** How a key could be written where it must not be: as octets, hexadecimal, base64, base64url. */
export const spellingsOf = (key: Uint8Array): Buffer[] => {
  const octets = Buffer.from(key);
  const hex = octets.toString('hex');
  const texts = [hex, hex.toUpperCase(), octets.toString('base64'), octets.toString('base64url')];
  // As octets in JSON, too.
  return [octets, ...[...texts, [...octets].join(',')].map((text) => Buffer.from(text))];
};

/** The files below a folder in which one of the keys is in clear. */
export async function filesWith(
  folder: string,
  keys: readonly Uint8Array[],
): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const content = await readFile(join(entry.parentPath, entry.name));
    const isThere = keys.some((key) => spellingsOf(key).some((text) => content.includes(text)));
    if (isThere) found.push(entry.name);
  }
  return found;
}
