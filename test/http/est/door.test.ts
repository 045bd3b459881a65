/**
 * The door on the wire, over TLS as the API listener has it: what its clients send, and the bytes
 * that they get. What stands behind it answers what a test says, and tells what it was asked.
 */

import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EstDoor, estDoor } from '../../../src/http/est/door.ts';
import type { EstService } from '../../../src/http/est/operations.ts';
import { type Listener, listen } from '../../../src/http/listener.ts';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { readCertsOnly } from '../../../src/pki/cms/certs-only.ts';
import { readPemBlocks, toPem } from '../../../src/pki/pem.ts';
import { type Principal, parseAccessPolicy } from '../../../src/services/access-policy.ts';
import { estStatusOf } from '../../../src/services/error-answers.ts';
import { type ErrorCode, errorCodes, ServiceError } from '../../../src/services/errors.ts';
import type { EstEnrolment } from '../../../src/services/est.ts';
import type { EstLabel } from '../../../src/services/est-labels.ts';
import type { LogFields } from '../../../src/services/logger.ts';
import { NotAuthenticated, type Refusal } from '../../../src/services/refusals.ts';
import type { EnrolmentAnswer, IssuedAnswer } from '../../../src/services/request-answers.ts';
import { capture } from '../../support/captured-log.ts';
import { commonName, generateKey, issue, templateFor } from '../../support/issuing.ts';
import { headerOf, type RawAnswer, type RawRequest, sendRaw } from '../../support/raw-https.ts';
import { newRequest } from '../../support/requests.ts';

const key = generateKey();
const certificate = (name: string): Certificate =>
  issue(templateFor(key, key, { subject: commonName(name) }), key);
const leaf = certificate('leaf');
const chain = ['sub 2', 'sub 1', 'root'].map((name) => certificate(name).der);
const pem = newRequest('CN=SN-1');
const der = readPemBlocks(pem)[0]?.der ?? new Uint8Array();
const base64 = Buffer.from(der).toString('base64');

const policy = parseAccessPolicy(
  {
    roles: {
      enroller: { description: 'x', actions: ['est:enrol', 'est:reenrol', 'est:generate'] },
      reader: { description: 'x', actions: ['certificates:read'] },
    },
  },
  'test',
);
if (!policy.ok) throw new Error(JSON.stringify(policy.errors));

const principals: Readonly<Record<string, Principal>> = {
  'token-of-enroller': { actor: 'client:e', organizationId: 'o', roles: ['enroller', 'reader'] },
  'token-of-reader': { actor: 'client:r', organizationId: 'o', roles: ['reader'] },
};
const plain: EstLabel = {
  ...{ name: 'cpo', organizationId: 'o', base64: 'wrapped', reenrolment: 'profile-values' },
  ...{ pending: 'refuse', authentication: ['api-client'], certificates: {} },
};

interface Asked {
  readonly operation: string;
  readonly question: Partial<EstEnrolment> & Pick<EstEnrolment, 'caller'>;
}
let asked: Asked[];
let counted: string[];
let refusals: Refusal[];
/** Why bodies were not read. */
let unread: string[];
let measured: string[];
/** Whose, and the party that was claimed. */
let claimed: string[];
let label: EstLabel;
/** What the operations do but for answering. */
let instead: (() => void | Promise<void>) | undefined;
let waiting: boolean;
let attributes: Uint8Array | undefined;
let keyGiven: Buffer;
let presented: readonly Uint8Array[] | undefined;
/** The certificate that came with a token. */
let bound: readonly Uint8Array[] | undefined;
let limited: (() => void) | undefined;
/** Of the connection of the last request. */
let octetsRead: number;

const issued: IssuedAnswer = {
  ...{ outcome: 'issued', requestId: 'r1', certificateId: 'c1' },
  ...{ certificate: leaf, chain: chain.slice(0, 2), repeated: false },
};
const enrolled =
  (operation: string) =>
  async (question: EstEnrolment): Promise<EnrolmentAnswer> => {
    asked.push({ operation, question });
    await instead?.();
    return waiting ? { outcome: 'waiting', requestId: 'r1' } : issued;
  };
const service: EstService = {
  label: async () => label,
  caCertificates: async (question) => {
    asked.push({ operation: 'cacerts', question });
    await instead?.();
    return chain;
  },
  enrol: enrolled('enrol'),
  reenrol: enrolled('reenrol'),
  serverKeygen: async (question) => {
    asked.push({ operation: 'serverkeygen', question });
    return { answer: issued, privateKey: keyGiven };
  },
  csrAttributes: async (question) => {
    asked.push({ operation: 'csrattrs', question });
    return attributes;
  },
  unread: async (_question, error) => {
    unread.push(error.code);
    throw error;
  },
};

const { logger, lines } = capture('debug');
const logged = () => lines.map((line) => JSON.parse(line) as LogFields);

const door: EstDoor = {
  service,
  isLabel: () => false,
  requireOwnParty: async ({ organizationId }, party) => {
    claimed.push(`${organizationId} ${JSON.stringify(party)}`);
    if (party.id === 'DEXXX') throw new ServiceError('not-permitted', 'somebody else’s');
  },
  access: policy.policy,
  authenticate: async ({ bearerToken, certificates }) => {
    bound = certificates;
    const principal = principals[bearerToken];
    if (principal) return principal;
    throw new NotAuthenticated('the token is unknown or expired', { reason: 'token-unknown' });
  },
  authenticateCertificate: async ([first]) =>
    first && Buffer.from(first).equals(leaf.der) ? principals['token-of-enroller'] : undefined,
  clientCertificate: async ({ headers }: IncomingMessage) => {
    if (headers['client-cert'] === undefined) return presented;
    throw new ServiceError('not-permitted', 'nobody vouches for this header');
  },
  limits: {
    takeFromClient: (actor, purpose) => {
      counted.push(`${actor} ${purpose}`);
      limited?.();
    },
    takeFromAddress: (address) => {
      counted.push(String(address));
      limited?.();
    },
  },
  measure: (operation, status) => measured.push(`${operation} ${status}`),
  refusals: { note: (refusal) => refusals.push(refusal) },
  logger,
};

let listener: Listener;
let ca: string;
beforeAll(async () => {
  const server = issue(templateFor(key, key), key);
  ca = toPem('CERTIFICATE', server.der);
  const handle = estDoor(door);
  listener = await listen({
    ...{ host: '127.0.0.1', port: 0, setting: 'TEST_PORT' },
    tls: { key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), chain: ca },
    handle: (request, response) => {
      response.once('close', () => {
        octetsRead = request.socket.bytesRead;
      });
      if (!handle(request, response)) response.end('not EST');
    },
  });
});
afterAll(async () => {
  listener.abort();
  await listener.close();
});
beforeEach(() => {
  [asked, counted, refusals, measured, unread, claimed] = [[], [], [], [], [], []];
  [instead, attributes, presented, limited] = [undefined, undefined, undefined, undefined];
  [label, waiting] = [plain, false];
  keyGiven = Buffer.from('a private key');
  lines.length = 0;
});

const send = (request: RawRequest, tls: { maxVersion?: 'TLSv1.2' } = {}): Promise<RawAnswer> =>
  sendRaw(
    {
      ...{ host: '127.0.0.1', port: listener.address.port, rejectUnauthorized: false },
      ...tls,
    },
    request,
  );
const BEARER = ['Authorization', 'Bearer token-of-enroller'] as const;
const AGENT = ['User-Agent', 'test'] as const;
const enrol = (body: string | Uint8Array = base64, ...headers: (readonly [string, string])[]) =>
  send({ method: 'POST', target: '/cpo/simpleenroll', headers: [BEARER, AGENT, ...headers], body });

const certificatesOf = ({ body }: RawAnswer) => {
  const read = readCertsOnly(Buffer.from(body, 'base64'));
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  return read.value.map((one) => Buffer.from(one));
};

describe('P3 answers', () => {
  test('enrolment: exactly 200, and the leaf alone', async () => {
    const answer = await enrol();
    expect(answer.raw).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(certificatesOf(answer)).toEqual([Buffer.from(leaf.der)]);
  });

  test('cacerts: issuing authority first, root last', async () => {
    const answer = await send({ target: '/cpo/cacerts', headers: [AGENT] });
    expect(answer.status).toBe(200);
    expect(certificatesOf(answer)).toEqual(chain.map((one) => Buffer.from(one)));
  });

  test('libest: names of headers in Title-Case, few of them, a length and no chunks', async () => {
    for (const answer of [await enrol(), await send({ target: '/cpo/cacerts' })]) {
      const names = answer.headers.map(([name]) => name);
      expect(names).toEqual([
        ...['X-Request-Id', 'Cache-Control', 'Content-Security-Policy'],
        ...['Strict-Transport-Security', 'X-Content-Type-Options'],
        ...['Content-Type', 'Content-Transfer-Encoding', 'Content-Length', 'Date', 'Connection'],
      ]);
      expect(headerOf(answer, 'Content-Type')).toBe(
        'application/pkcs7-mime; smime-type=certs-only',
      );
      expect(headerOf(answer, 'Content-Transfer-Encoding')).toBe('base64');
      expect(headerOf(answer, 'Content-Length')).toBe(String(answer.body.length));
    }
  });

  test('base64 in lines of 64 columns, the last one ended', async () => {
    const { body } = await enrol();
    const [last, ...others] = body.split('\n').toReversed().slice(1);
    expect(body.endsWith('\n')).toBe(true);
    expect(others.length).toBeGreaterThan(3);
    for (const line of others) expect(line).toMatch(/^[A-Za-z0-9+/]{64}$/);
    expect(last).toMatch(/^[A-Za-z0-9+/]{1,64}={0,2}$/);
  });

  test.each([
    ['wrapped', [], 'wrapped'],
    ['single', [AGENT], 'single'],
    ['auto', [AGENT], 'wrapped'],
    ['auto', [['Accept', '*/*']], 'wrapped'],
    // strongSwan's pki sends Host, Content-Type and Content-Length, and nothing of itself.
    ['auto', [], 'single'],
  ] as const)('a label set to %s, headers %j: %s', async (base64, headers, layout) => {
    label = { ...plain, base64 };
    for (const target of ['/cpo/cacerts', '/cpo/csrattrs']) {
      attributes = Buffer.alloc(100);
      const { body, headers: answered } = await send({ target, headers });
      expect(body.includes('\n'), target).toBe(layout === 'wrapped');
      expect(answered.find(([name]) => name === 'Content-Length')?.[1]).toBe(String(body.length));
    }
  });

  test('csrattrs, and nothing of it', async () => {
    attributes = Buffer.from('3003020101', 'hex');
    const some = await send({ target: '/cpo/csrattrs' });
    expect(some.status).toBe(200);
    expect(headerOf(some, 'Content-Type')).toBe('application/csrattrs');
    expect(headerOf(some, 'Content-Transfer-Encoding')).toBe('base64');
    expect(Buffer.from(some.body, 'base64')).toEqual(attributes);
    attributes = undefined;
    const none = await send({ target: '/cpo/csrattrs' });
    expect(none.status).toBe(204);
    expect(none.body).toBe('');
    expect(headerOf(none, 'Content-Type')).toBeUndefined();
  });

  test('serverkeygen: the key first, then its certificate; what is left of the key is overwritten', async () => {
    const answer = await send({
      ...{ method: 'POST', target: '/cpo/serverkeygen', headers: [BEARER], body: base64 },
    });
    expect(answer.status).toBe(200);
    const boundary = /^multipart\/mixed; boundary=(\S+)$/.exec(
      headerOf(answer, 'Content-Type') ?? '',
    );
    const parts = answer.body.split(`--${boundary?.[1]}`).slice(1, -1);
    const [first, second] = parts.map((part) => part.split('\r\n\r\n'));
    expect(first?.[0]).toContain('Content-Type: application/pkcs8');
    expect(Buffer.from(first?.[1] ?? '', 'base64').toString()).toBe('a private key');
    expect(second?.[0]).toContain('application/pkcs7-mime; smime-type=certs-only');
    expect(certificatesOf({ ...answer, body: second?.[1] ?? '' })).toEqual([Buffer.from(leaf.der)]);
    expect(headerOf(answer, 'Content-Length')).toBe(String(answer.body.length));
    expect(keyGiven.every((octet) => octet === 0)).toBe(true);
  });

  test('RFC 7030 4.2.3: 202 with Retry-After for what waits', async () => {
    waiting = true;
    const answer = await enrol();
    expect(answer.status).toBe(202);
    expect(headerOf(answer, 'Retry-After')).toMatch(/^\d+$/);
    expect(answer.body).toContain('r1');
  });
});

describe('P2 bodies', () => {
  const wrapped = base64.replace(/.{64}/g, '$&\r\n');
  test.each([
    ['base64 in one line', base64, []],
    ['base64 in lines', wrapped, [['Content-Type', 'application/pkcs10']]],
    ['PEM', pem, [['Content-Type', 'application/x-pem-file']]],
    ['DER', der, [['Content-Type', 'application/octet-stream']]],
    ['what curl calls it', base64, [['Content-Type', 'application/x-www-form-urlencoded']]],
    [
      'odd names, as CitrineOS has them',
      base64,
      [
        ['Accept', 'application/pkcs10'],
        ['Content-Type', 'application/pkcs10'],
        ['Content-Transfer-Encoding', 'application/pkcs10'],
      ],
    ],
    ['called unchanged', base64, [['Content-Encoding', 'identity']]],
  ] as const)('%s', async (_what, body, headers) => {
    expect((await enrol(body, ...headers)).status).toBe(200);
    expect(asked[0]?.question.csr).toEqual({ ok: true, value: expect.anything() });
    const { csr } = asked[0]?.question ?? {};
    expect(csr?.ok && Buffer.from(csr.value)).toEqual(Buffer.from(der));
  });

  test('in chunks, however small', async () => {
    const chunks = [...base64].map((one) => `1\r\n${one}\r\n`).join('');
    const answer = await enrol(`${chunks}0\r\n\r\n`, ['Transfer-Encoding', 'chunked']);
    expect(answer.status).toBe(200);
  });

  test('soup is handed on with what is wrong with it', async () => {
    await enrol('<?xml version="1.0"?>');
    expect(asked[0]?.question.csr).toMatchObject({
      ok: false,
      violations: [{ code: 'csr-malformed' }],
    });
  });

  test.each(['gzip', 'deflate', 'br', 'x-gzip', 'identity, gzip'])(
    'W1 compressed with %s is refused unread',
    async (encoding) => {
      const answer = await enrol(gzipSync(base64), ['Content-Encoding', encoding]);
      expect(answer.status).toBe(415);
      expect(asked).toEqual([]);
      expect(unread).toEqual(['media-type-unsupported']);
    },
  );

  test('W1 1 MB is answered 413 before it is read, with and without a length', async () => {
    const large = 'A'.repeat(1_000_000);
    const chunk = 'A'.repeat(10_000);
    const chunked = `${'2710\r\n'}${chunk}\r\n`.repeat(100);
    for (const answer of [
      await enrol(large),
      await enrol(`${chunked}0\r\n\r\n`, ['Transfer-Encoding', 'chunked']),
    ]) {
      expect(answer.status).toBe(413);
      expect(octetsRead).toBeLessThan(300_000);
      expect(answer.body).toMatch(/^body-too-large: /);
    }
    expect(asked).toEqual([]);
    expect(unread).toEqual(['body-too-large', 'body-too-large']);
  });

  test('W1 32 KiB are read, and one octet more is not', async () => {
    const largest = base64 + ' '.repeat(32 * 1024 - base64.length);
    await enrol(largest);
    expect(asked[0]?.question.csr).toMatchObject({ violations: [{ code: 'csr-too-large' }] });
    expect((await enrol(`${largest} `)).status).toBe(413);
  });
});

describe('credentials', () => {
  const basic = (text: string) =>
    ['Authorization', `Basic ${Buffer.from(text).toString('base64')}`] as const;
  const ask = (operation: string, ...headers: (readonly [string, string])[]) => {
    const isRead = operation === 'cacerts' || operation === 'csrattrs';
    const target = `/cpo/${operation}`;
    return isRead
      ? send({ target, headers })
      : send({ method: 'POST', target, headers, body: base64 });
  };
  const enroller = principals['token-of-enroller'];
  const acting = { ...enroller, roles: ['enroller'] };

  test('a token, in either header: the caller in the roles that count', async () => {
    await ask('simpleenroll', BEARER);
    await ask('simpleenroll', ['X-API-Key', 'token-of-enroller']);
    // MaEVe sends both.
    await ask('simpleenroll', BEARER, ['X-API-Key', 'token-of-enroller']);
    expect(asked.map(({ question }) => question.caller)).toEqual(
      Array(3).fill({ principal: acting }),
    );
    expect(counted).toEqual(Array(3).fill('client:e enrolment'));
  });

  test('a secret is handed on, counted against its address', async () => {
    await ask('simpleenroll', basic('SN-1:secret'));
    expect(asked[0]?.question.caller).toEqual({ basic: { user: 'SN-1', password: 'secret' } });
    expect(counted).toEqual(['127.0.0.1']);
  });

  test('a certificate is handed on, and is a client where one has registered it', async () => {
    presented = chain;
    await ask('simplereenroll');
    presented = [leaf.der];
    await ask('simplereenroll');
    expect(asked.map(({ question }) => question.caller)).toEqual([
      { clientCertificate: chain },
      { principal: acting, clientCertificate: [leaf.der] },
    ]);
    expect(counted).toEqual(['127.0.0.1', '127.0.0.1', 'client:e enrolment']);
  });

  test('who is named counts; the certificate only comes with it', async () => {
    presented = [leaf.der];
    await ask('simplereenroll', ['Authorization', 'Bearer token-of-enroller']);
    expect(bound).toEqual([leaf.der]);
    await ask('simplereenroll', basic('SN-1:secret'));
    expect(asked.map(({ question }) => question.caller)).toEqual([
      { principal: acting, clientCertificate: [leaf.der] },
      { basic: { user: 'SN-1', password: 'secret' }, clientCertificate: [leaf.der] },
    ]);
  });

  test.each(['cacerts', 'csrattrs', 'simpleenroll', 'simplereenroll', 'serverkeygen'])(
    '%s: a wrong one is never replaced by a right one',
    async (operation) => {
      presented = [leaf.der];
      const right = ['X-API-Key', 'token-of-enroller'] as const;
      const wrong = [
        ['Authorization', 'Bearer wrong'],
        ['Authorization', 'Digest username="x"'],
        ['Authorization', 'Basic nonsense'],
      ] as const;
      for (const line of wrong) expect((await ask(operation, line, right)).status).toBe(401);
      expect((await ask(operation, ['X-API-Key', 'wrong'])).status).toBe(401);
      expect(asked).toEqual([]);
      expect(counted).toEqual(Array(4).fill('127.0.0.1'));
    },
  );

  test.each(['simpleenroll', 'simplereenroll', 'serverkeygen'])(
    '%s: 401 with none',
    async (operation) => {
      const answer = await ask(operation);
      expect(answer.status).toBe(401);
      expect(asked).toEqual([]);
      expect(counted).toEqual(['127.0.0.1']);
      expect(refusals).toEqual([{ reason: 'no-credentials', address: '127.0.0.1' }]);
    },
  );

  test('libest: the first challenge is Basic, within the first 16 headers', async () => {
    const { headers } = await ask('simpleenroll');
    const challenges = headers.flatMap(([name, value], index) =>
      name === 'WWW-Authenticate' ? [[value, index < 15]] : [],
    );
    expect(challenges).toEqual([
      ['Basic realm="evpki"', true],
      ['Bearer realm="evpki"', true],
    ]);
    expect(headers.length).toBeLessThan(16);
  });

  test('BouncyCastle: a challenge without a body, which all others get', async () => {
    const nothing = await ask('simpleenroll');
    expect([nothing.status, nothing.body]).toEqual([401, '']);
    expect(headerOf(nothing, 'Content-Length')).toBe('0');
    for (const name of ['User-Agent', 'Accept']) {
      const { status, body } = await ask('simpleenroll', [name, '*/*']);
      expect([status, body]).toEqual([401, expect.stringMatching(/^not-authenticated: /)]);
    }
    const wrong = await ask('simpleenroll', ['Authorization', 'Bearer token-of-nobody']);
    expect([wrong.status, wrong.body]).toEqual([
      401,
      expect.stringMatching(/^not-authenticated: /),
    ]);
  });

  test.each(['cacerts', 'csrattrs'])(
    '%s is for anybody, counted against the address',
    async (operation) => {
      expect((await ask(operation)).status).toBeLessThan(300);
      expect(asked[0]?.question.caller).toEqual({});
      expect(counted).toEqual(['127.0.0.1']);
    },
  );

  test('cacerts hears who asks, without a role for it', async () => {
    expect((await ask('cacerts', ['Authorization', 'Bearer token-of-reader'])).status).toBe(200);
    expect(asked[0]?.question.caller).toEqual({ principal: principals['token-of-reader'] });
    expect(counted).toEqual(['client:r other']);
  });

  test.each(['simpleenroll', 'simplereenroll', 'serverkeygen'])(
    '%s: 403 for a client without the role, which is written down',
    async (operation) => {
      const answer = await ask(operation, ['Authorization', 'Bearer token-of-reader']);
      expect(answer.status).toBe(403);
      expect(answer.body).toMatch(/^not-permitted: none of your roles permits est:/);
      expect(asked).toEqual([]);
      expect(refusals).toEqual([
        {
          ...{ reason: 'not-permitted', actor: 'client:r', organizationId: 'o' },
          ...{ operation: `EST ${operation}`, address: '127.0.0.1' },
        },
      ]);
    },
  );

  test('W5 a header that nobody vouches for is refused, whatever else is right', async () => {
    for (const operation of ['cacerts', 'simpleenroll']) {
      expect((await ask(operation, BEARER, ['Client-Cert', ':AAAA:'])).status).toBe(403);
    }
    expect(asked).toEqual([]);
  });

  test('a web page cannot use the certificate of its reader', async () => {
    presented = [leaf.der];
    expect((await ask('simplereenroll', ['Origin', 'https://elsewhere.example'])).status).toBe(403);
    expect(asked).toEqual([]);
  });

  test('W10 too many are told when to come again', async () => {
    limited = () => {
      throw Object.assign(new ServiceError('too-many-requests', 'x'), { retryAfterSeconds: 7 });
    };
    for (const operation of ['cacerts', 'simpleenroll', 'fullcmc']) {
      const answer = await ask(operation, BEARER);
      expect(answer.status).toBe(429);
      expect(headerOf(answer, 'Retry-After')).toBe('7');
    }
    expect(asked).toEqual([]);
  });
});

describe('errors', () => {
  const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

  test('are text: what failed, a line for each thing that is wrong, where the log has more', async () => {
    instead = () => {
      throw new ServiceError('csr-refused', 'the request is refused', [
        { code: 'subject-attribute-mismatch', message: 'CN is "a\r\nb"', field: 'subject.CN' },
        { code: 'key-in-use', message: 'The key is in use.' },
      ]);
    };
    const answer = await enrol();
    expect(answer.status).toBe(400);
    expect(headerOf(answer, 'Content-Type')).toBe('text/plain; charset=utf-8');
    expect(headerOf(answer, 'Content-Length')).toBe(String(answer.body.length));
    expect(answer.body.split('\n')).toEqual([
      'csr-refused: the request is refused',
      'subject-attribute-mismatch (subject.CN): CN is "a b"',
      'key-in-use: The key is in use.',
      'remedy: Correct what the lines above say and send a new request.',
      `request-id: ${headerOf(answer, 'X-Request-Id')}`,
      '',
    ]);
  });

  test('have the status that the table says', async () => {
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      instead = () => {
        throw new ServiceError(code, 'why');
      };
      const { status, body } = await send({ target: '/cpo/cacerts' });
      expect(status, code).toBe(estStatusOf(code));
      expect(body, code).toMatch(
        new RegExp(`^${code}: why\nremedy: [A-Z].+[.!]\nrequest-id: ${uuid}\n$`),
      );
    }
  });

  test('say what to do in words of EST, as far as the caller may know why', async () => {
    const answers: string[] = [];
    for (const told of [undefined, 'secret-used', 'certificate-revoked'] as const) {
      instead = () => {
        throw new NotAuthenticated('why', { reason: 'secret-used' }, told);
      };
      answers.push((await enrol()).body.split('\n')[1] ?? '');
    }
    expect(answers).toEqual([
      expect.stringMatching(/^remedy: Send a token .+ secret .+ client certificate/),
      expect.stringMatching(/^remedy: Have a new secret made /),
      expect.stringMatching(/^remedy: .+ what is revoked is not renewed\.$/),
    ]);
  });

  test('that nobody expected say nothing of evpki’s insides, and are logged', async () => {
    instead = () => {
      throw new Error('SELECT secret FROM everything');
    };
    const answer = await enrol();
    expect(answer.status).toBe(500);
    expect(answer.raw).not.toContain('SELECT');
    expect(answer.raw).not.toContain('.ts');
    const requestId = headerOf(answer, 'X-Request-Id');
    expect(logged()).toContainEqual(
      expect.objectContaining({ event: 'request-failed', requestId }),
    );
  });

  test('that pass by themselves say when', async () => {
    instead = () => {
      throw new ServiceError('not-ready', 'why');
    };
    expect(headerOf(await enrol(), 'Retry-After')).toBe('2');
  });

  test.each([
    ['cacerts', 'POST', 'GET'],
    ['cacerts', 'HEAD', 'GET'],
    ['csrattrs', 'OPTIONS', 'GET'],
    ['simpleenroll', 'GET', 'POST'],
    ['simplereenroll', 'PUT', 'POST'],
    ['serverkeygen', 'HEAD', 'POST'],
  ])('%s with %s: 405, and what would be right', async (operation, method, allow) => {
    const answer = await send({ method, target: `/cpo/${operation}`, headers: [BEARER] });
    expect(answer.status).toBe(405);
    expect(headerOf(answer, 'Allow')).toBe(allow);
    expect(asked).toEqual([]);
  });

  test.each([
    ['/cpo/cacerts/ISO15118-2/secp384r1', 404, 'not-found'],
    ['/cpo/simpleenroll/ISO15118-3', 404, 'not-found'],
    ['/cpo/cacerts?xsdMsgDefNamespace=urn:x', 400, 'request-malformed'],
  ])('%s: %i, whoever asks', async (target, status, code) => {
    const answer = await send({ target });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatch(new RegExp(`^${code}: `));
    expect(counted).toEqual(['127.0.0.1']);
  });
});

describe('OPNC', () => {
  const target = (operation: string, domain = 'caDomain=emsp') =>
    `/opnc/v1/pki/est/${operation}?${domain}`;
  const FROM = [
    ['OPNC-from-party-type', 'emsp'],
    ['OPNC-from-party-id', 'DE8EV'],
  ] as const;
  const ask = (headers: readonly (readonly [string, string])[], path = target('simpleenroll')) =>
    send({ method: 'POST', target: path, headers: [BEARER, AGENT, ...headers], body: base64 });

  test('answers as EST does, for the label and the standard of the query', async () => {
    const path = target('simpleenroll', 'caDomain=emsp&iso15118Version=ISO15118-20');
    const answer = await ask(FROM, path);
    expect(answer.status).toBe(200);
    expect(headerOf(answer, 'Content-Type')).toBe('application/pkcs7-mime; smime-type=certs-only');
    expect(certificatesOf(answer)).toEqual([Buffer.from(leaf.der)]);
    expect(asked).toMatchObject([
      { operation: 'enrol', question: { label: 'mo', standard: 'iso15118-20' } },
    ]);
    expect(claimed).toEqual(['o {"type":"emsp","id":"DE8EV"}']);
    const above = certificatesOf(await send({ target: target('cacerts') }));
    expect(above).toEqual(chain.map((one) => Buffer.from(one)));
    const again = await ask([], target('simplereenroll'));
    expect([again.status, asked.at(-1)?.operation]).toEqual([200, 'reenrol']);
    expect(measured).toContain('estSimplereenroll 200');
  });

  test('says errors as OPNC does, with the statuses of EST', async () => {
    instead = () => {
      throw new ServiceError('csr-refused', 'why', [
        { code: 'key-type', message: 'is P-521', field: 'publicKey' },
      ]);
    };
    const answer = await ask([]);
    expect(headerOf(answer, 'Content-Type')).toBe('application/json; charset=utf-8');
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      estStatusOf('csr-refused'),
      { errorMessages: ['why', 'publicKey : is P-521'], traceId: headerOf(answer, 'X-Request-Id') },
    ]);
    instead = () => {
      throw new Error('SELECT secret FROM everything');
    };
    const fault = await ask([]);
    expect([fault.status, fault.raw.includes('SELECT')]).toEqual([500, false]);
  });

  test.each([
    ['without credentials', { target: target('simpleenroll'), method: 'POST', body: base64 }, 401],
    ['with another method', { target: target('simpleenroll') }, 405],
    ['for a domain that is none', { target: target('cacerts', 'caDomain=root') }, 400],
    ['where there is nothing', { target: target('serverkeygen') }, 404],
  ])('%s: what is wrong, in its own form', async (_what, request, status) => {
    const answer = await send(request);
    expect(answer.status).toBe(status);
    const { errorMessages, traceId } = JSON.parse(answer.body);
    expect(errorMessages[0]).toMatch(/\w \w/);
    expect(traceId).toBe(headerOf(answer, 'X-Request-Id'));
    expect(asked).toEqual([]);
  });

  test('W8 in whose name somebody calls is looked at before anything is asked', async () => {
    const foreign = await ask([FROM[0], ['OPNC-from-party-id', 'DEXXX']]);
    expect([foreign.status, asked]).toEqual([403, []]);
    expect(refusals).toMatchObject([
      { reason: 'not-permitted', actor: 'client:e', operation: 'EST simpleenroll' },
    ]);
    for (const headers of [[FROM[1]], [FROM[0], ...FROM], [['OPNC-to-party-type', 'x'] as const]]) {
      const malformed = await ask(headers);
      expect([malformed.status, asked]).toEqual([400, []]);
    }
    // The headers are no matter of EST's own paths.
    expect((await enrol(base64, FROM[0], ['OPNC-from-party-id', 'DEXXX'])).status).toBe(200);
  });
});

describe('the connection', () => {
  test('goes on after a refusal, unless much may be left of the body', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    const post = (body: string, headers: Readonly<Record<string, string>>) =>
      new Promise<string>((resolve, reject) => {
        const request = httpsRequest({
          ...{ agent, host: '127.0.0.1', port: listener.address.port },
          ...{ method: 'POST', path: '/cpo/simpleenroll', headers },
        });
        request.on('response', (response) => {
          response.resume();
          response.on('end', () => resolve(`${response.statusCode} ${request.reusedSocket}`));
        });
        request.on('error', reject);
        request.end(body);
      });
    const [[name, value]] = [BEARER];
    const length = { 'content-length': String(base64.length) };
    try {
      expect(await post(base64, length)).toBe('401 false');
      expect(await post(base64, { ...length, 'content-encoding': 'gzip', [name]: value })).toBe(
        '415 true',
      );
      expect(await post(base64, { ...length, [name]: value })).toBe('200 true');
      expect(
        await post(base64, {
          'transfer-encoding': 'chunked',
          'content-encoding': 'gzip',
          [name]: value,
        }),
      ).toMatch(/^415 /);
      expect(await post(base64, { ...length, [name]: value })).toMatch(/^200 /);
    } finally {
      agent.destroy();
    }
  });

  test('tls-unique is what the client sent first (RFC 5929 3.1)', async () => {
    const socket = connect({
      ...{ host: '127.0.0.1', port: listener.address.port, rejectUnauthorized: false },
      maxVersion: 'TLSv1.2',
    });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const ours = socket.getFinished();
    socket.write(
      `POST /cpo/simpleenroll HTTP/1.1\r\nHost: a\r\n${BEARER.join(': ')}\r\nConnection: close\r\nContent-Length: ${base64.length}\r\n\r\n${base64}`,
    );
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(ours?.length).toBe(12);
    expect(Buffer.from(asked[0]?.question.tlsUnique ?? [])).toEqual(ours);
  });

  test('TLS 1.3 has none', async () => {
    expect((await enrol()).status).toBe(200);
    expect(asked[0]?.question).not.toHaveProperty('tlsUnique');
  });

  test('somebody who goes away in the middle leaves nothing but a line in the log', async () => {
    const socket = connect({
      ...{ host: '127.0.0.1', port: listener.address.port, rejectUnauthorized: false },
    });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    socket.write(
      `POST /cpo/simpleenroll HTTP/1.1\r\nHost: a\r\n${BEARER.join(': ')}\r\nContent-Length: 500\r\n\r\nMII`,
    );
    await expect.poll(() => counted.length).toBe(1);
    socket.destroy();
    await expect.poll(() => measured).toEqual(['estSimpleenroll aborted']);
    expect(asked).toEqual([]);
    expect(logged().map(({ event }) => event)).toEqual(['request']);
  });

  test('each request is a line in the log and a figure, without query and headers', async () => {
    await send({ target: '/cpo/cacerts/ISO15118-2?secret=1', headers: [BEARER] });
    await send({ target: '/cpo/fullcmc' });
    expect(measured).toEqual(['estCacerts 200', 'none 404']);
    expect(logged()).toMatchObject([
      { event: 'request', method: 'GET', path: '/cpo/cacerts/ISO15118-2', status: 200 },
      { event: 'request', path: '/cpo/fullcmc', status: 404 },
    ]);
    expect(lines.join()).not.toContain('secret');
    expect(lines.join()).not.toContain('token-of');
  });

  test('other paths are left to others', async () => {
    expect((await send({ target: '/v1/certificates' })).body).toContain('not EST');
    expect(counted).toEqual([]);
  });
});
