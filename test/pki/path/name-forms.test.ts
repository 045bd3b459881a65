import { describe, expect, test } from 'vitest';
import { oid, sequence, setOf, utf8String } from '../../../src/pki/der-writer.ts';
import type { AnyGeneralName } from '../../../src/pki/extensions/general-names.ts';
import { isInSubtree, nameOf, subtreeOf } from '../../../src/pki/path/name-forms.ts';

const mail = (text: string) => other(0x81, Buffer.from(text, 'latin1'));
const uri = (value: string): AnyGeneralName => ({ kind: 'uri', value });
const dns = (value: string): AnyGeneralName => ({ kind: 'dns', value });
const ip = (value: string): AnyGeneralName => ({ kind: 'ip', value });
const other = (tag: number, value: Uint8Array) => ({ kind: 'other', tag, value }) as const;
const range = (hex: string) => other(0x87, Buffer.from(hex, 'hex'));
const uriBase = (text: string) => other(0x86, Buffer.from(text, 'latin1'));

/** true, false, or undefined where nobody can say. */
const inside = (name: AnyGeneralName, base: Parameters<typeof subtreeOf>[0], somehow = false) => {
  const subtree = subtreeOf(base);
  if ('problem' in subtree) throw new Error(subtree.problem);
  return isInSubtree(nameOf(name), subtree, { somehow });
};

describe('RFC 5280 4.2.1.10 names and subtrees', () => {
  test.each<[string, AnyGeneralName, Parameters<typeof subtreeOf>[0], boolean | undefined]>([
    ['a DNS name with a final dot is none', dns('a.example.'), 'example', undefined],
    ['nor one with an empty label', dns('a..example'), 'example', undefined],
    ['nor one with a wildcard inside', dns('a.*.example'), 'example', undefined],
    ['nor one with a partial wildcard', dns('a*.example'), 'example', undefined],
    ['nor one with a long label', dns(`${'a'.repeat(64)}.example`), 'example', undefined],
    ['nor a wildcard alone', dns('*'), '', undefined],
    ['underscores are in the field', dns('_a.example'), 'example', true],
    ['a port is no part of a host', uri('ws://a.example:9000/ocpp'), uriBase('a.example'), true],
    ['nor is a query', uri('http://a.example?x'), uriBase('a.example'), true],
    ['a host below a host', uri('http://b.a.example/'), uriBase('a.example'), false],
    ['a domain is not below itself', uri('http://a.example/'), uriBase('.a.example'), false],
    ['two at signs', uri('http://a@b@a.example/'), uriBase('a.example'), undefined],
    ['a backslash', uri('http://b.example\\@a.example/'), uriBase('a.example'), undefined],
    ['a percent sign', uri('http://a%2eexample/'), uriBase('a.example'), undefined],
    ['an IPv6 address', uri('http://[2001:db8::1]/'), uriBase('a.example'), undefined],
    ['two addresses in one', mail('a@b@a.example'), mail('a.example'), undefined],
    ['no local part', mail('@a.example'), mail('a.example'), undefined],
    ['a space', mail('a b@a.example'), mail('a.example'), undefined],
    ['octets beyond ASCII', mail('\u00e4@a.example'), mail('a.example'), undefined],
    ['all of IPv4', ip('192.0.2.1'), range('0000000000000000'), true],
    ['one address', ip('192.0.2.1'), range('c0000201ffffffff'), true],
    ['the address beside it', ip('192.0.2.2'), range('c0000201ffffffff'), false],
    ['bits of the base that the mask leaves out', ip('192.0.2.2'), range('c00002ffffffff00'), true],
    ['forms differ', dns('a.example'), uriBase('a.example'), undefined],
  ])('%s', (_what, name, base, expected) => {
    expect(inside(name, base)).toBe(expected);
  });

  test('RFC 5280 7.1 the attributes of an RDN have no order', () => {
    const together = (...values: readonly string[]): Uint8Array =>
      sequence(setOf(...values.map((value) => sequence(oid('2.5.4.3'), utf8String(value)))));
    // DER orders both by case, and each the other way round.
    const [name, base] = [together('B', 'a'), together('A', 'b')].map((der) => other(0xa4, der));
    expect(inside(name as AnyGeneralName, base as ReturnType<typeof other>)).toBe(true);
  });

  test('an exclusion is about whatever a wildcard stands for', () => {
    expect(inside(dns('*.example'), 'a.example', true)).toBe(true);
    expect(inside(dns('*.example'), 'a.example', false)).toBe(false);
    expect(inside(dns('*.example'), 'b.other', true)).toBe(false);
  });

  test.each<[string, Parameters<typeof subtreeOf>[0]]>([
    ['a DNS name with a leading dot', '.example'],
    ['a DNS name with a wildcard', '*.example'],
    ['a mail address that is none', mail('a@')],
    ['a host of mail that is an address', mail('192.0.2.1')],
    ['a URI instead of its host', uriBase('http://a.example/')],
    ['a mask with gaps', range('0a000000ff00ff00')],
    ['a directory name that is none', other(0xa4, Buffer.from('3003020101', 'hex'))],
  ])('%s is no subtree', (_what, base) => {
    expect(subtreeOf(base)).toHaveProperty('problem');
  });

  test('a problem shows the octets of others only as ASCII', () => {
    expect(subtreeOf('a\u202e\u001b.example')).toEqual({
      problem: '"a\\u202e\\u001b.example" is no domain name',
    });
  });
});
