import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import type { Iso2InstallationResponse } from '../../../src/iso15118/exi/iso2-messages.ts';
import { buildIso2Failure } from '../../../src/iso15118/installation/iso2-response.ts';
import { iso2ResponseXml } from '../../../src/iso15118/installation/iso2-xml.ts';
import { readIso2ResponseXml } from '../../../src/iso15118/installation/iso2-xml-reading.ts';
import { XmlError } from '../../../src/iso15118/installation/xml-document.ts';
import { fromHex, readVector } from '../../support/vectors.ts';

function vector(name: string) {
  const { header, body } = decodeIso2(fromHex(readVector(name).response.exiHex)).message;
  const response = body as Iso2InstallationResponse;
  return { header, body: response, xml: iso2ResponseXml({ header, body: response }) };
}
const read = (xml: string) => readIso2ResponseXml(Buffer.from(xml));
const { header, body, xml } = vector('iso2-install-2subs');

describe('CertificateInstallationRes out of XML', () => {
  test.each(['iso2-install-1sub', 'iso2-install-2subs'])('%s is what was written', (name) => {
    const one = vector(name);
    expect(read(one.xml)).toEqual({ signature: one.header.signature, body: one.body });
  });

  test('does without signature and session, as what others have written may', () => {
    const exi = buildIso2Failure('CertificateInstallationRes', new Uint8Array(8), 'FAILED');
    const message = decodeIso2(exi).message;
    const failure = message.body as Iso2InstallationResponse;
    const written = iso2ResponseXml({ header: message.header, body: failure });
    expect(read(written)).toEqual({ body: failure });
    expect(read(written.replace(/<h:SessionID>.*<\/h:SessionID>/, ''))).toEqual({ body: failure });
  });

  test('keeps every attribute that the message may have, as the signature may have been made with it', () => {
    const { signature } = header;
    if (!signature) throw new Error('it is not signed');
    const { signedInfo } = signature;
    const references = signedInfo.references.map(({ transforms: _, uri: __, ...reference }, n) => ({
      ...reference,
      ...(n === 0 ? { id: 'r1', type: 'urn:t?a&b', uri: '' } : {}),
      ...(n === 1 ? { transforms: ['urn:a', 'urn:b'] } : {}),
    }));
    const unusual = {
      ...signature,
      id: 's1',
      signatureValueId: 'v1',
      signedInfo: { ...signedInfo, id: 'i1', references },
    };
    const named = {
      ...body,
      provisioningCertificateChain: { ...body.provisioningCertificateChain, id: 'p1' },
    };
    const written = iso2ResponseXml({ header: { ...header, signature: unusual }, body: named });
    expect(read(written)).toEqual({ signature: unusual, body: named });
  });

  test('has the prefixes, order of attributes and line breaks that its writer likes', () => {
    const other = xml
      .replaceAll(/xmlns:([mhbts])=/g, 'xmlns:ns$1=')
      .replaceAll(/([</ ])([mhbts]):/g, '$1ns$2:')
      .replace('encoding="UTF-8"', "encoding='utf-8' standalone='yes'")
      .replaceAll('><ns', '>\r\n  <ns')
      .replaceAll(/([A-Za-z0-9+/]{64})(?=[A-Za-z0-9+/=])/g, '$1\n');
    expect(other).not.toBe(xml);
    const { emaid, ...rest } = read(other).body;
    const { emaid: own, ...wanted } = body;
    expect([rest, emaid]).toEqual([wanted, own]);
    expect(read(other).signature).toEqual(header.signature);
  });

  test.each<[string, (xml: string) => string]>([
    ['another root element', (text) => text.replaceAll('V2G_Message', 'V2G_Massage')],
    ['another namespace', (text) => text.replace('2:2013:MsgDef"', '2:2010:MsgDef"')],
    ['another message', (text) => text.replaceAll('InstallationRes', 'UpdateRes')],
    ['a response code of nobody', (text) => text.replace('>OK<', '>FINE<')],
    ['an element too many', (text) => text.replace('<b:DHpublickey', '<b:More/><b:DHpublickey')],
    ['an element missing', (text) => text.replace(/<b:DHpublickey.*<\/b:DHpublickey>/, '')],
    ['an element twice', (text) => text.replace(/(<b:eMAID.*<\/b:eMAID>)/, '$1$1')],
    ['a second Body', (text) => text.replace('</m:Body>', '</m:Body><m:Body/>')],
    ['text between elements', (text) => text.replace('<m:Body>', '<m:Body>x')],
    ['an element in a text', (text) => text.replace('<b:eMAID t:Id="id4">', '$&<b:x/>')],
    ['an attribute too many', (text) => text.replace('<m:Body>', '<m:Body x="y">')],
    ['an Id without its namespace', (text) => text.replace('t:Id="id4"', 'Id="id4"')],
    ['no Id', (text) => text.replace(' t:Id="id4"', '')],
    ['no base64', (text) => text.replace('<s:SignatureValue>', '<s:SignatureValue>%')],
    [
      'something behind a certificate above another',
      (text) => text.replace('</t:SubCertificates>', '<x/>$&'),
    ],
    [
      'something behind the certificates above another',
      (text) => text.replace('</t:SubCertificates>', '$&<x/>'),
    ],
    ['something in an algorithm', (text) => text.replace('</s:CanonicalizationMethod>', '<x/>$&')],
    ['text in an algorithm', (text) => text.replace('</s:DigestMethod>', 'x$&')],
    ['HMACOutputLength', (text) => text.replace('</s:SignatureMethod>', '<s:HMACOutputLength/>$&')],
    ['XPath', (text) => text.replace('</s:Transform>', '<s:XPath/>$&')],
    ['something behind a transform', (text) => text.replace('</s:Transforms>', '<x/>$&')],
    ['something behind a digest', (text) => text.replace('</s:Reference>', '<x/>$&')],
    ['something behind the references', (text) => text.replace('</s:SignedInfo>', '<x/>$&')],
    ['something behind the signature', (text) => text.replace('</s:Signature>', '$&<x/>')],
    ['something in the session', (text) => text.replace('</h:SessionID>', '<x/>$&')],
    ['an attribute of the session', (text) => text.replace('<h:SessionID>', '<h:SessionID x="y">')],
    ['no reference', (text) => text.replace(/<s:Reference.*<\/s:Reference>/, '')],
    ['no transform', (text) => text.replace(/<s:Transform .*?<\/s:Transform>/, '')],
    [
      'no algorithm',
      (text) => text.replace(/<s:DigestMethod Algorithm="[^"]*">/, '<s:DigestMethod>'),
    ],
    [
      'no certificate above, though it says so',
      (text) => text.replace(/(<t:SubCertificates>).*?(<\/t:SubCertificates>)/, '$1$2'),
    ],
    ['KeyInfo', (text) => text.replace('</s:Signature>', '<s:KeyInfo/></s:Signature>')],
    ['a signature in the Body', (text) => text.replace('<m:Body>', '<m:Body><s:Signature/>')],
  ])('is refused with %s', (_what, change) => {
    const changed = change(xml);
    expect(changed).not.toBe(xml);
    expect(() => read(changed)).toThrow(XmlError);
  });

  test('never ends in another error, whatever the octets are', () => {
    const octets = Buffer.from(xml);
    const step = fc.tuple(fc.nat(octets.length - 1), fc.nat(255), fc.nat(40));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const changed = steps.reduce((document, [at, octet, cut]) => {
          const copy = Buffer.from(document);
          copy[at % copy.length] = octet;
          return Buffer.concat([copy.subarray(0, at), copy.subarray(at + (cut > 20 ? cut : 0))]);
        }, octets);
        try {
          readIso2ResponseXml(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(XmlError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
