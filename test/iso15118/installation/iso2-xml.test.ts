import { describe, expect, test } from 'vitest';
import { decodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import type { Iso2InstallationResponse } from '../../../src/iso15118/exi/iso2-messages.ts';
import { buildIso2Failure } from '../../../src/iso15118/installation/iso2-response.ts';
import { iso2ResponseXml } from '../../../src/iso15118/installation/iso2-xml.ts';
import { fromHex, readVector } from '../../support/vectors.ts';

function responseOf(exi: Uint8Array) {
  const { header, body } = decodeIso2(exi).message;
  return { header, body: body as Iso2InstallationResponse };
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');

/** Every element with its text, in the order of the document; throws where tags do not match. */
function textsOf(xml: string): (readonly [name: string, text: string])[] {
  const found: [string, string][] = [];
  const open: string[] = [];
  const tokens = xml.replace(/^<\?xml [^>]*\?>\n/, '').matchAll(/<(\/?)([\w:]+)[^>]*>([^<]*)/g);
  for (const [, end, name = '', text = ''] of tokens) {
    if (end) expect(open.pop()).toBe(name);
    else {
      open.push(name);
      if (text !== '') found.push([name, text]);
    }
  }
  expect(open).toEqual([]);
  return found;
}

describe('CertificateInstallationRes as XML', () => {
  test.each(['iso2-install-1sub', 'iso2-install-2subs'])(
    '%s has all that the message has, in the order of the schema',
    (name) => {
      const message = responseOf(fromHex(readVector(name).response.exiHex));
      const { header, body } = message;
      const { signature } = header;
      if (!signature) throw new Error(`${name} is not signed`);
      const subsOf = (subs: readonly Uint8Array[] = []) =>
        subs.map((der) => ['t:Certificate', base64(der)]);
      const cps = body.provisioningCertificateChain;
      const contract = body.contractCertificateChain;
      expect(textsOf(iso2ResponseXml(message))).toEqual([
        ['h:SessionID', Buffer.from(header.sessionId).toString('hex').toUpperCase()],
        ...signature.signedInfo.references.map(({ digestValue }) => [
          's:DigestValue',
          base64(digestValue),
        ]),
        ['s:SignatureValue', base64(signature.signatureValue)],
        ['b:ResponseCode', 'OK'],
        ['t:Certificate', base64(cps.certificate)],
        ...subsOf(cps.subCertificates),
        ['t:Certificate', base64(contract.certificate)],
        ...subsOf(contract.subCertificates),
        ['b:ContractSignatureEncryptedPrivateKey', base64(body.encryptedPrivateKey.value)],
        ['b:DHpublickey', base64(body.dhPublicKey.value)],
        ['b:eMAID', body.emaid.value],
      ]);
      const xml = iso2ResponseXml(message);
      for (const { uri } of signature.signedInfo.references) {
        expect(xml).toContain(`<s:Reference URI="${uri}"><s:Transforms><s:Transform `);
        expect(xml).toContain(` t:Id="${uri?.slice(1)}"`);
      }
    },
  );

  test('has no signature where the message has none', () => {
    const exi = buildIso2Failure('CertificateInstallationRes', new Uint8Array(8), 'FAILED');
    const xml = iso2ResponseXml(responseOf(exi));
    expect(xml).not.toContain('s:Signature');
    expect(textsOf(xml)[1]).toEqual(['b:ResponseCode', 'FAILED']);
  });

  test('escapes what is markup', () => {
    const exi = buildIso2Failure('CertificateInstallationRes', new Uint8Array(8), 'FAILED');
    const { header, body } = responseOf(exi);
    const emaid = { id: 'a"b', value: '<&>"' };
    const xml = iso2ResponseXml({ header, body: { ...body, emaid } });
    expect(xml).toContain('<b:eMAID t:Id="a&quot;b">&lt;&amp;&gt;&quot;</b:eMAID>');
  });
});
