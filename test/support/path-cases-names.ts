/** Cases about name constraints (RFC 5280 4.2.1.10). */

import { element, sequence } from '../../src/pki/der-writer.ts';
import { anchors, type PathCase, under } from './path-case.ts';
import {
  alternativeNames,
  authority,
  certify,
  emailRdn,
  general,
  leaf,
  nameConstraints,
  nameOf,
  rdn,
  root,
} from './path-certificates.ts';

const { dns, email, uri, ip, directory, other, registeredId } = general;
type Names = readonly Uint8Array[];
type Constraints = Parameters<typeof nameConstraints>[0];

/** A leaf with these alternative names below an authority with these constraints. */
const constrained = (constraints: Constraints, names: Names, more = {}) => ({
  ...under(authority('Sub', 'Root', { extensions: [nameConstraints(constraints)] }), {
    ...(names.length > 0 && { extensions: [alternativeNames(names)] }),
    ...more,
  }),
});

const range = (...octets: readonly number[]): Uint8Array => ip(...octets);
const v4 = range(192, 0, 2, 0, 255, 255, 255, 0);
const v6 = (...tail: readonly number[]): number[] => [0x20, 1, 0xd, 0xb8, ...tail];
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** Name, what it shows, constraints, alternative names, whether they hold. */
type Row = readonly [string, string, Constraints, Names, boolean];

const rows: readonly Row[] = [
  // DNS names.
  ['dns-within', 'the base itself', { permitted: [dns('a.example')] }, [dns('A.Example')], true],
  ['dns-below', 'below the base', { permitted: [dns('example')] }, [dns('b.a.example')], true],
  ['dns-outside', 'outside', { permitted: [dns('a.example')] }, [dns('b.example')], false],
  [
    'dns-no-label-border',
    'whole labels only',
    { permitted: [dns('example.com')] },
    [dns('badexample.com')],
    false,
  ],
  [
    'dns-second-name',
    'every name counts',
    { excluded: [dns('b.example')] },
    [dns('a.example'), dns('b.example')],
    false,
  ],
  [
    'dns-excluded-wins',
    'excluded and permitted',
    { permitted: [dns('example')], excluded: [dns('a.example')] },
    [dns('a.example')],
    false,
  ],
  [
    'dns-wildcard-outside',
    'a wildcard that stands for more than is permitted',
    { permitted: [dns('a.example')] },
    [dns('*.example')],
    false,
  ],
  [
    'dns-wildcard-meets-excluded',
    'a wildcard that stands for something excluded',
    { excluded: [dns('a.example')] },
    [dns('*.example')],
    false,
  ],
  [
    'dns-malformed-name',
    'a name that is none',
    { permitted: [dns('example')] },
    [dns('.a.example')],
    false,
  ],
  ['dns-excludes-all', 'the empty base is all names', { excluded: [dns('')] }, [dns('a')], false],
  [
    'dns-leading-dot',
    'a base with a leading dot is malformed',
    { permitted: [dns('.example')] },
    [dns('a.example')],
    false,
  ],
  [
    'dns-wildcard-base',
    'a base with a wildcard is malformed',
    { permitted: [dns('*.example')] },
    [dns('a.example')],
    false,
  ],
  [
    'other-form-permitted',
    'a constraint is about names of its own form',
    { permitted: [v4] },
    [dns('a.example')],
    true,
  ],
  [
    'other-form-excluded',
    'a constraint is about names of its own form',
    { excluded: [v4] },
    [dns('a.example')],
    true,
  ],
  // Addresses.
  ['ip-within', 'in the range', { permitted: [v4] }, [ip(192, 0, 2, 77)], true],
  ['ip-outside', 'outside the range', { permitted: [v4] }, [ip(192, 0, 3, 1)], false],
  [
    'ip-v6-excluded',
    'IPv6',
    {
      excluded: [range(...v6(...zeros(12)), ...new Array<number>(4).fill(255), ...zeros(12))],
    },
    [ip(...v6(...zeros(11), 1))],
    false,
  ],
  [
    'ip-of-other-version',
    'an IPv6 address where only IPv4 addresses are permitted',
    { permitted: [v4] },
    [ip(...v6(...zeros(11), 1))],
    false,
  ],
  [
    'ip-mask-with-gaps',
    'a mask that is none',
    { permitted: [range(10, 0, 0, 0, 255, 0, 255, 0)] },
    [ip(10, 0, 0, 1)],
    false,
  ],
  // Mail addresses.
  ['email-host', 'a host', { permitted: [email('a.example')] }, [email('x@A.example')], true],
  [
    'email-host-not-below',
    'a host is not what is below it',
    { permitted: [email('a.example')] },
    [email('x@b.a.example')],
    false,
  ],
  ['email-domain', 'a domain', { permitted: [email('.example')] }, [email('x@a.example')], true],
  [
    'email-mailbox',
    'a mailbox, in which an asterisk is one',
    { permitted: [email('**@a.example')] },
    [email('**@a.example')],
    true,
  ],
  [
    'email-other-mailbox',
    'another mailbox',
    { permitted: [email('**@a.example')] },
    [email('*@a.example')],
    false,
  ],
  [
    'email-case-of-mailbox',
    'the local part is compared as it is',
    { permitted: [email('x@a.example')] },
    [email('X@a.example')],
    false,
  ],
  [
    'email-malformed-base',
    'a base that is no address',
    { excluded: [email('a@b@a.example')] },
    [],
    false,
  ],
  // URIs.
  [
    'uri-host',
    'a host',
    { permitted: [uri('a.example')] },
    [uri('https://user@a.example:8443/x')],
    true,
  ],
  ['uri-domain', 'a domain', { permitted: [uri('.example')] }, [uri('urn://a.example')], true],
  ['uri-outside', 'outside', { permitted: [uri('a.example')] }, [uri('http://b.example/')], false],
  [
    'uri-userinfo',
    'what stands before an at sign is no host',
    { permitted: [uri('a.example')] },
    [uri('http://a.example@b.example/')],
    false,
  ],
  [
    'uri-without-host',
    'a URI without a host meets no constraint',
    { excluded: [uri('a.example')] },
    [uri('urn:a.example')],
    false,
  ],
  [
    'uri-with-address',
    'an address is no fully qualified name',
    { excluded: [uri('a.example')] },
    [uri('http://192.0.2.1/')],
    false,
  ],
  // Directory names.
  [
    'dn-subject-outside',
    'the subject outside the base',
    { permitted: [directory(nameOf('Fleet'))] },
    [],
    false,
  ],
  [
    'dn-alternative-name-outside',
    'a directory name among the alternative names',
    { excluded: [directory(nameOf('Fleet'))] },
    [directory(nameOf('fleet', 'Car'))],
    false,
  ],
  // Forms that nobody compares.
  ['unknown-form', 'a form that nobody compares', { excluded: [other('x')] }, [other('y')], false],
  ['unknown-form-unused', 'and no name of it', { excluded: [other('x')] }, [dns('a')], true],
  [
    'registered-id',
    'a form that nobody compares',
    { permitted: [registeredId()] },
    [registeredId()],
    false,
  ],
];

const car = sequence(
  rdn('2.5.4.3', element(0x0c, Buffer.from('Fleet'))),
  rdn('2.5.4.3', element(0x13, Buffer.from('Car  1'))),
);
const single: readonly PathCase[] = [
  {
    id: 'nc/dn-prefix',
    about: 'RFC 5280 4.2.1.10 and 7.1 a base is the beginning of a name, compared without case',
    ...constrained({ permitted: [directory(nameOf('FLEET', 'car 1'))] }, [], {
      subject: car,
      key: 'Car',
    }),
    problems: [],
  },
  {
    id: 'nc/dn-shorter-than-base',
    about: 'RFC 5280 4.2.1.10 a name that is shorter than the base is outside',
    ...constrained({ permitted: [directory(nameOf('Leaf', 'Car'))] }, []),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/dn-right-alternative-name-wrong-subject',
    about: 'RFC 5280 4.2.1.10 subject and alternative names alike',
    ...constrained({ permitted: [directory(nameOf('Fleet'))] }, [directory(nameOf('Fleet'))]),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/email-in-subject',
    about: 'RFC 5280 4.2.1.10 a mail address in the subject',
    ...constrained({ permitted: [email('a.example')] }, [], {
      subject: sequence(emailRdn('x@b.example')),
      key: 'Mail',
    }),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/of-anchor',
    about: 'RFC 5937 the constraints of an anchor hold below it',
    anchors: [root('Root', { extensions: [nameConstraints({ permitted: [dns('a.example')] })] })],
    certificate: leaf('Root', { extensions: [alternativeNames([dns('b.example')])] }),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/not-critical',
    about: 'RFC 5280 4.2.1.10 name constraints are critical',
    ...under(
      authority('Sub', 'Root', {
        extensions: [nameConstraints({ permitted: [dns('example')] }, false)],
      }),
    ),
    problems: ['extension-criticality'],
  },
  {
    id: 'nc/in-leaf',
    about: 'RFC 5280 4.2.1.10 name constraints stand in authorities only',
    anchors,
    certificate: leaf('Root', { extensions: [nameConstraints({ permitted: [dns('example')] })] }),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/narrowed',
    about: 'RFC 5280 6.1.4 (g) what one authority permits another below takes away',
    anchors,
    candidates: [
      authority('Sub 1', 'Root', {
        extensions: [nameConstraints({ permitted: [dns('a.example'), dns('b.example')] })],
      }),
      authority('Sub 2', 'Sub 1', {
        extensions: [nameConstraints({ permitted: [dns('b.example')] })],
      }),
    ],
    certificate: leaf('Sub 2', { extensions: [alternativeNames([dns('a.example')])] }),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/not-widened',
    about: 'RFC 5280 6.1.4 (g) what one authority does not permit none below can',
    anchors,
    candidates: [
      authority('Sub 1', 'Root', {
        extensions: [nameConstraints({ permitted: [dns('a.example')] })],
      }),
      authority('Sub 2', 'Sub 1', {
        extensions: [nameConstraints({ permitted: [dns('b.example')] })],
      }),
    ],
    certificate: leaf('Sub 2', { extensions: [alternativeNames([dns('b.example')])] }),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/of-authority',
    about: 'RFC 5280 6.1.3 (b), (c) the names of authorities count',
    anchors: [root('Root', { extensions: [nameConstraints({ excluded: [dns('a.example')] })] })],
    candidates: [authority('Sub', 'Root', { extensions: [alternativeNames([dns('a.example')])] })],
    certificate: leaf('Sub'),
    problems: ['name-constraints'],
  },
  {
    id: 'nc/self-issued-authority',
    about: 'RFC 5280 6.1.3 (b), (c) those of a self-issued authority do not',
    anchors: [root('Root', { extensions: [nameConstraints({ excluded: [dns('a.example')] })] })],
    candidates: [
      authority('Root', 'Root', {
        key: 'New',
        extensions: [alternativeNames([dns('a.example')])],
      }),
    ],
    certificate: leaf('Root', { signer: 'New' }),
    problems: [],
  },
  {
    id: 'nc/self-issued-leaf',
    about: 'RFC 5280 6.1.3 (b), (c) those of a self-issued leaf do',
    anchors: [root('Root', { extensions: [nameConstraints({ excluded: [dns('a.example')] })] })],
    certificate: certify({
      subject: 'Root',
      issuer: 'Root',
      key: 'New',
      extensions: [alternativeNames([dns('a.example')])],
    }),
    problems: ['name-constraints'],
  },
];

export const nameCases: readonly PathCase[] = [
  ...rows.map(
    ([id, about, constraints, names, holds]): PathCase => ({
      id: `nc/${id}`,
      about: `RFC 5280 4.2.1.10 ${about}`,
      ...constrained(constraints, names),
      problems: holds ? [] : ['name-constraints'],
    }),
  ),
  ...single,
];
