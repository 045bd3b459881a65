/** OpenSSL and GnuTLS print the issuer of a root, each in all of its forms; evpki recognizes it. */

import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { namesRoot } from '../../src/iso15118/root-certificate-ids.ts';
import {
  element,
  ia5String,
  oid,
  printableString,
  sequence,
  set,
  setOf,
  utf8String,
} from '../../src/pki/der-writer.ts';
import { attributeTypes } from '../../src/pki/oids.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  templateFor,
} from '../support/issuing.ts';
import { workbench } from '../support/openssl.ts';
import { noGnutls, noOpenssl } from '../support/other-tools.ts';

const attribute = (type: string, value: Uint8Array) => sequence(oid(type), value);
const { C, O, OU, CN, DC } = attributeTypes;
const TELETEX = 0x14;
const BMP = 0x1e;

const names: Readonly<Record<string, Uint8Array>> = {
  'a plain name': sequence(
    set(attribute(C, printableString('DE'))),
    set(attribute(O, utf8String('Test Org'))),
    set(attribute(CN, utf8String('V2G Root CA'))),
    set(attribute(DC, ia5String('V2G'))),
  ),
  'a name with signs': sequence(
    set(attribute(O, utf8String(' Org, "Inc" + <Sons>; #1 \\ a=b '))),
    set(attribute(OU, utf8String('#0c0161'))),
    set(attribute(CN, utf8String('Root 1/2'))),
    set(attribute('1.3.6.1.4.1.99999.1', utf8String('own attribute'))),
  ),
  'a name in other scripts': sequence(
    set(attribute(O, utf8String('Übung & Söhne'))),
    set(attribute(OU, element(BMP, Buffer.from('Ladesäule', 'utf16le').swap16()))),
    set(attribute(CN, utf8String('根证书 🔑'))),
  ),
  'several attributes in an RDN': sequence(
    setOf(attribute(O, utf8String('Org')), attribute(OU, utf8String('Unit'))),
    setOf(attribute(CN, utf8String('Root')), attribute(DC, ia5String('V2G'))),
  ),
  'a name in Latin-1': sequence(
    set(attribute(CN, element(TELETEX, Buffer.from('Übung', 'latin1')))),
  ),
};

const options = [
  'RFC2253',
  'oneline',
  'oneline,utf8,-esc_msb',
  'RFC2253,-esc_msb',
  'RFC2253,sname,dn_rev',
  'sep_comma_plus_space,lname,utf8',
  'sep_semi_plus_space,oid,utf8',
  'RFC2253,dump_all',
];

/** A root with this name, whether what a program says of it names it, and a folder with it. */
function printed(issuerName: Uint8Array) {
  const key = generateKey();
  const template = templateFor(key, key, {
    issuerName,
    subject: commonName('Root'),
    extensions: authorityExtensions(key, key),
  });
  const root = issue(template, key);
  const serialNumber = BigInt(`0x${Buffer.from(root.serialNumber).toString('hex')}`);
  const file = `${serialNumber}.der`;
  bench.write(file, root.der);
  return {
    file,
    recognized: (text: string) => namesRoot({ issuerName: text, serialNumber }, root),
  };
}

const bench = workbench();
afterAll(() => bench.remove());

const saidBy = (command: string, args: readonly string[]): string =>
  spawnSync(command, args, { cwd: bench.folder, encoding: 'utf8' }).stdout;

function byOpenssl(file: string, option: string): string {
  const form = ['-noout', '-issuer', '-nameopt', option];
  const line = bench.openssl('x509', '-inform', 'der', '-in', file, ...form);
  return line.replace(/^issuer\s*=/, '').replace(/\n$/, '');
}

describe.each(Object.keys(names))('%s', (name) => {
  // With slashes the string type is lost: what is not UTF-8 comes as its octets.
  const forms = name === 'a name in other scripts' ? options : [...options, 'compat'];
  test.skipIf(noOpenssl).each(forms)('OpenSSL %s', (option) => {
    const { file, recognized } = printed(names[name] ?? new Uint8Array());
    const text = byOpenssl(file, option);
    expect(recognized(text), text).toBe(true);
    expect(recognized(`${text}x`), text).toBe(false);
  });
});

describe('GnuTLS', () => {
  // It shows a TeletexString as octets without a type.
  const shown = Object.keys(names).filter((name) => name !== 'a name in Latin-1');
  test.skipIf(noGnutls).each(shown)('%s', (name) => {
    const { file, recognized } = printed(names[name] ?? new Uint8Array());
    const args = ['--certificate-info', '--inder', '--infile', file];
    const stdout = saidBy('certtool', args);
    const text = /^\s*Issuer: (.*)$/m.exec(stdout)?.[1] ?? stdout;
    expect(recognized(text), text).toBe(true);
  });
});
