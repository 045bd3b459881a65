import { describe, expect, test } from 'vitest';
import { readXml, XmlError } from '../../../src/iso15118/installation/xml-document.ts';

const read = (text: string) => readXml(Buffer.from(text));

describe('an XML document', () => {
  test('is elements, attributes and text, whatever its prefixes are', () => {
    const expected = {
      ...{ namespace: 'urn:a', name: 'x', text: ' <&> ' },
      attributes: new Map([
        ['{}one', '1 "\''],
        ['{urn:b}two', '2'],
      ]),
      children: [{ namespace: '', name: 'y', attributes: new Map(), children: [], text: '' }],
    };
    const texts = [
      `\uFEFF<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<a:x xmlns:a="urn:a" xmlns:b="urn:b" one='1 "&apos;' b:two="2"> &lt;&amp;&gt; <y/></a:x >\n`,
      `<x xmlns="urn:a" one="1\t&quot;'" xmlns:c="urn:b" c:two="2"> &lt;&amp;<y xmlns=""></y>&gt; </x>`,
    ];
    for (const text of texts) expect(read(text)).toEqual(expected);
  });

  test.each([
    ['nothing', ''],
    ['text alone', 'x'],
    ['an element that does not end', '<x>'],
    ['an end of another element', '<x><y></x></y>'],
    ['an end alone', '</x>'],
    ['two elements', '<x/><y/>'],
    ['text behind the element', '<x/>y'],
    ['a document type', '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'],
    ['an entity of its own', '<x>&a;</x>'],
    ['a reference that does not end', '<x>&amp</x>'],
    ['a reference by number', '<x>&#60;</x>'],
    ['a comment', '<x><!-- y --></x>'],
    ['a CDATA section', '<x><![CDATA[y]]></x>'],
    ['a processing instruction', '<x><?y z?></x>'],
    ['an attribute twice', '<x a="1" a="2"/>'],
    ['an attribute twice by its namespace', '<x xmlns:a="u" xmlns:b="u" a:c="1" b:c="2"/>'],
    ['a prefix that is not declared', '<a:x/>'],
    ['a prefix that has ended', '<x><a:y xmlns:a="u"/><a:z/></x>'],
    ['an empty namespace with a prefix', '<x xmlns:a=""/>'],
    ['a prefix of XML itself', '<x xmlns:xml="u"/>'],
    ['an attribute without quotes', '<x a=1/>'],
    ['an attribute with markup', '<x a="<"/>'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><x/>'],
    ['a NUL', '<x>\u0000</x>'],
    [
      'more than 16 attributes',
      `<x ${Array.from({ length: 17 }, (_, n) => `a${n}=""`).join(' ')}/>`,
    ],
    ['more than 256 elements', `<x>${'<y/>'.repeat(256)}</x>`],
    ['elements nested deeper than 16', `${'<x>'.repeat(17)}${'</x>'.repeat(17)}`],
    ['elements nested very deeply', '<x>'.repeat(20_000)],
    ['more than 65,536 characters', `<x>${'y'.repeat(65_530)}</x>`],
  ])('is refused with %s', (_what, text) => {
    expect(() => read(text)).toThrow(XmlError);
  });

  test.each([
    ['16 attributes', `<x ${Array.from({ length: 16 }, (_, n) => `a${n}=""`).join(' ')}/>`],
    ['256 elements', `<x>${'<y/>'.repeat(255)}</x>`],
    ['elements nested 16 deep', `${'<x>'.repeat(16)}${'</x>'.repeat(16)}`],
    ['65,536 characters', `<x>${'y'.repeat(65_529)}</x>`],
  ])('may have %s', (_what, text) => {
    expect(read(text).name).toBe('x');
  });

  test('is refused where it is not UTF-8', () => {
    expect(() => readXml(Buffer.from('3c783eff3c2f783e', 'hex'))).toThrow('is not UTF-8');
    expect(() => readXml(Buffer.from('<x/>', 'utf16le'))).toThrow(XmlError);
  });
});
