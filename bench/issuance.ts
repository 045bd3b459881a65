/** CSR DER in, certificate DER out: ours against raw cryptography and against @peculiar/x509. */

import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, sign, verify, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { loadPolicies } from '../src/declarations.ts';
import { createSigner } from '../src/keystore/signer.ts';
import { buildTbs } from '../src/pki/build-certificate.ts';
import { signLinted } from '../src/pki/issue.ts';
import { keyIdentifier } from '../src/pki/key-identifier.ts';
import { lintAndSeal } from '../src/pki/linted.ts';
import { writeName } from '../src/pki/names.ts';
import { decide } from '../src/pki/policy.ts';
import { importPublicKey, readPublicKey } from '../src/pki/public-key.ts';
import { readRequest } from '../src/pki/request.ts';
import { assembleRequest, buildRequestInfo } from '../src/pki/request-building.ts';
import { cpuMicroseconds, report } from './measure.ts';

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error('a fresh key is unusable');
  return { publicKey, privateKey, spki, key: key.value };
}

const profile = loadPolicies().profiles.get('ocpp-station');
if (!profile) throw new Error('no profile ocpp-station');
const station = keyPair();
const ca = keyPair();
const caName = { attributes: [{ type: 'CN', value: 'Bench Station CA' }] };
const subject = { attributes: [{ type: 'CN', value: 'SN-0001' }] };
const info = buildRequestInfo(subject, station.key, {
  keyUsage: { critical: true, usages: ['digitalSignature'] },
});
const infoSignature = sign('sha256', info, station.privateKey);
const csr = assembleRequest(info, 'ecdsa-with-SHA256', infoSignature);

const now = new Date('2026-11-22T12:00:00Z');
const notBefore = new Date('2026-01-01T00:00:00Z');
const notAfter = new Date('2036-01-01T00:00:00Z');
const issuer = {
  subject: caName,
  subjectDer: writeName(caName),
  publicKey: ca.key,
  keyIdentifier: keyIdentifier(ca.key, 20),
  notBefore,
  notAfter,
  profile: 'ocpp-station-ca',
  state: 'active' as const,
  urls: {
    ocsp: 'http://pki.example/ocsp',
    crl: 'http://pki.example/crl/1.crl',
    caIssuers: 'http://pki.example/ca/1.cer',
  },
};
const signer = createSigner(ca.privateKey, 'P-256', ca.spki);
const verificationKey = importPublicKey(ca.key);
const serialNumber = new Uint8Array(16).fill(0x42);

async function issue(): Promise<Uint8Array> {
  const request = readRequest(csr);
  if (!request.ok) throw new Error(JSON.stringify(request.violations));
  const decision = decide({
    request: request.value,
    profile: profile as NonNullable<typeof profile>,
    issuer,
    facts: { 'organization.name': 'Bench CPO', 'organization.country': 'DE' },
    keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
    now,
    serialNumber,
  });
  if (!decision.ok) throw new Error(JSON.stringify(decision.violations));
  const sealed = lintAndSeal(buildTbs(decision.value), {
    profile: profile as NonNullable<typeof profile>,
    issuer,
    issuerKeyAlgorithm: 'P-256',
  });
  if (!sealed.ok) throw new Error(JSON.stringify(sealed.findings));
  return signLinted(sealed.linted, signer, verificationKey);
}

x509.cryptoProvider.set(webcrypto);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const caPrivate = await webcrypto.subtle.importKey(
  'pkcs8',
  ca.privateKey.export({ type: 'pkcs8', format: 'der' }),
  algorithm,
  false,
  ['sign'],
);

const keyUsages = x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyAgreement;
// Ready made, as ours is part of what is known about the issuer.
const authorityKeyIdentifier = new x509.AuthorityKeyIdentifierExtension(
  Buffer.from(issuer.keyIdentifier).toString('hex'),
);

/** The same extensions as ours, so that both make the same certificate. */
async function issueWithLibrary(): Promise<void> {
  const request = new x509.Pkcs10CertificateRequest(csr);
  if (!(await request.verify())) throw new Error('the request does not verify');
  await x509.X509CertificateGenerator.create({
    serialNumber: '42424242424242424242424242424242',
    issuer: 'CN=Bench Station CA',
    subject: 'C=DE, O=Bench CPO, CN=SN-0001',
    notBefore: now,
    notAfter,
    publicKey: request.publicKey,
    signingKey: caPrivate,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(keyUsages, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
      authorityKeyIdentifier,
      new x509.CRLDistributionPointsExtension([issuer.urls.crl]),
      new x509.AuthorityInfoAccessExtension({
        ocsp: issuer.urls.ocsp,
        caIssuers: issuer.urls.caIssuers,
      }),
    ],
  });
}

const repeated = (work: () => Promise<unknown>) => async (times: number) => {
  for (let i = 0; i < times; i++) await work();
};
const stationKey = createPublicKey({ key: Buffer.from(station.spki), format: 'der', type: 'spki' });

const micros = await cpuMicroseconds([
  {
    name: 'raw',
    run: (times) => {
      for (let i = 0; i < times; i++) {
        if (!verify('sha256', info, stationKey, infoSignature)) throw new Error('bad signature');
        sign('sha256', info, ca.privateKey);
      }
    },
  },
  { name: 'evpki', run: repeated(issue) },
  { name: 'library', run: repeated(issueWithLibrary) },
]);
const [raw = 0, own = 0, library = 0] = ['raw', 'evpki', 'library'].map((name) => micros.get(name));
report('CSR to certificate / raw verify + sign', `${(own / raw).toFixed(1)}x`, 'at most 4x');
report('@peculiar/x509 / CSR to certificate', `${(library / own).toFixed(1)}x`, 'at least 15x');
report('  CSR to certificate, CPU', `${own.toFixed(0)} us`, '');
