/** Asking other people's responders, over HTTP; what networks do wrong comes from a fake. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFetcher } from '../../src/outbound/fetcher.ts';
import { hostRule } from '../../src/outbound/hosts.ts';
import type { Certificate } from '../../src/pki/certificate.ts';
import { writeName } from '../../src/pki/names.ts';
import { type AskForeignStatus, createForeignStatus } from '../../src/services/foreign-status.ts';
import type { AskOutbound, OutboundAnswer, OutboundRequest } from '../../src/services/outbound.ts';
import { capture } from '../support/captured-log.ts';
import {
  certIdBy,
  type ForeignResponder,
  foreignResponse,
  startForeignResponder,
} from '../support/foreign-ocsp.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  templateFor,
} from '../support/issuing.ts';
import { hex } from '../support/ocsp.ts';

const MINUTE = 60_000;
const key = generateKey();
const subject = commonName('Elsewhere');
const issuer = issue(
  templateFor(key, key, {
    ...{ subject, issuerName: writeName(subject), extensions: authorityExtensions(key, key) },
  }),
  key,
);
const leafKey = generateKey();
const newLeaf = (): Certificate =>
  issue(templateFor(leafKey, key, { issuerName: issuer.subjectDer }), key);

let responder: ForeignResponder;
beforeAll(async () => {
  responder = await startForeignResponder();
});
afterAll(() => responder?.close());

let later = 0;
/** What it is otherwise; a test in which seconds count has it stand still. */
let wall: () => number;
let log: ReturnType<typeof capture>;
let ask: AskForeignStatus;
const clock = () => new Date(wall() + later);
const over = (askOutbound: AskOutbound): AskForeignStatus =>
  createForeignStatus({ askOutbound, clock, logger: log.logger });
beforeEach(() => {
  later = 0;
  wall = Date.now;
  log = capture();
  responder.asked.length = 0;
  responder.statuses.clear();
  responder.instead = undefined;
  responder.change = (single) => single;
  responder.serve(issuer, key);
  const local = [hostRule('127.0.0.1')];
  ask = over(createFetcher({ listed: local, internal: local }));
});

const about = (certificate: Certificate, ...responders: string[]) => ({
  ...{ certId: certIdBy(certificate, issuer), issuer },
  responders: responders.length > 0 ? responders : [responder.url],
});
const serialOf = ({ serialNumber }: Certificate) => hex(serialNumber);
const heard = async (question: Promise<Awaited<ReturnType<AskForeignStatus>>>) => {
  const answer = await question;
  return answer.known ? answer.status.kind : answer.reason;
};
const revoked = { kind: 'revoked', at: new Date('2026-10-01T00:00:00Z') } as const;

describe('what a responder says', () => {
  test('is what is answered, with its response as it came', async () => {
    const [good, bad, nobody] = [newLeaf(), newLeaf(), newLeaf()] as const;
    responder.statuses.set(serialOf(bad), { ...revoked, reason: 'keyCompromise' });
    responder.statuses.set(serialOf(nobody), { kind: 'unknown' });
    expect(await heard(ask(about(good)))).toBe('good');
    expect(await heard(ask(about(nobody)))).toBe('unknown');
    const answer = await ask(about(bad));
    expect(answer).toMatchObject({ known: true, status: { ...revoked, reason: 'keyCompromise' } });
    expect(
      responder.asked.map(({ certIds }) => hex(certIds[0]?.certIdDer ?? key.publicKey.bits)),
    ).toEqual([good, nobody, bad].map((leaf) => hex(certIdBy(leaf, issuer))));
    expect(responder.asked.every(({ nonce }) => nonce === undefined)).toBe(true);
    expect(log.lines).toEqual([]);
  });

  test('is asked of the first that may be asked', async () => {
    const others = ['ldap://127.0.0.1/', 'http://elsewhere.example/'];
    expect(await heard(ask(about(newLeaf(), ...others, responder.url)))).toBe('good');
    // One attempt: whoever does not answer is not made up for by the next.
    const closed = 'http://127.0.0.1:1/';
    expect(await heard(ask(about(newLeaf(), closed, responder.url)))).toBe('unreachable');
    expect(responder.asked).toHaveLength(1);
  });

  test('is unknown without anybody to ask', async () => {
    expect(await heard(ask({ ...about(newLeaf()), responders: [] }))).toBe('responder-missing');
    const four = Array(4).fill('nonsense');
    expect(await heard(ask(about(newLeaf(), ...four, responder.url)))).toBe('url-invalid');
    expect(responder.asked).toEqual([]);
  });
});

describe('what is kept', () => {
  const twice = async (leaf: Certificate) => {
    const both = [await heard(ask(about(leaf))), await heard(ask(about(leaf)))];
    return [...both, responder.asked.length];
  };

  test('good, for an hour at most: a revocation is heard then', async () => {
    const leaf = newLeaf();
    expect(await twice(leaf)).toEqual(['good', 'good', 1]);
    responder.statuses.set(serialOf(leaf), revoked);
    later = 59 * MINUTE;
    expect(await heard(ask(about(leaf)))).toBe('good');
    later = 60 * MINUTE + 1;
    // The responder's clock has not moved: it stands by its answer for a day.
    expect(await heard(ask(about(leaf)))).toBe('revoked');
    later = 20 * 60 * MINUTE;
    responder.statuses.clear();
    expect(await heard(ask(about(leaf)))).toBe('revoked');
  });

  test('not beyond nextUpdate', async () => {
    const leaf = newLeaf();
    responder.change = (single) => ({ ...single, nextUpdate: new Date(Date.now() + 10 * MINUTE) });
    expect(await twice(leaf)).toEqual(['good', 'good', 1]);
    later = 11 * MINUTE;
    expect(await heard(ask(about(leaf)))).toBe('good');
    expect(responder.asked).toHaveLength(2);
  });

  test('a hold, for no longer than good: it may be lifted', async () => {
    const leaf = newLeaf();
    responder.statuses.set(serialOf(leaf), { ...revoked, reason: 'certificateHold' });
    expect(await twice(leaf)).toEqual(['revoked', 'revoked', 1]);
    responder.statuses.clear();
    later = 61 * MINUTE;
    expect(await heard(ask(about(leaf)))).toBe('good');
  });

  test('neither unknown nor what has no nextUpdate', async () => {
    const leaf = newLeaf();
    responder.statuses.set(serialOf(leaf), { kind: 'unknown' });
    expect(await twice(leaf)).toEqual(['unknown', 'unknown', 2]);
    responder.statuses.clear();
    responder.change = (single) => ({ ...single, nextUpdate: 'none' });
    expect(await twice(leaf)).toEqual(['good', 'good', 4]);
  });

  test('no failure of a responder that has answered', async () => {
    const leaf = newLeaf();
    responder.instead = (response) => void response.writeHead(503).end();
    expect(await twice(leaf)).toEqual(['http-status', 'http-status', 2]);
    responder.instead = undefined;
    expect(await heard(ask(about(leaf)))).toBe('good');
  });

  test('of a thousand, the newest', async () => {
    let asked = 0;
    const counting = over(async (request) => {
      asked++;
      return answered(request);
    });
    const leaves = Array.from({ length: 1_001 }, newLeaf);
    for (const leaf of leaves) await counting(about(leaf));
    const [first, second] = leaves as [Certificate, Certificate];
    await counting(about(second));
    expect(asked).toBe(1_001);
    await counting(about(first));
    expect(asked).toBe(1_002);
  });
});

/** What our responder would say, without a network. */
const answered = (request: OutboundRequest): OutboundAnswer => {
  // The CertID of the only question there is begins behind four headers of two octets.
  const certId = Buffer.from(request.body ?? []).subarray(8);
  return {
    ...{ ok: true, status: 200, headers: {} },
    body: foreignResponse([{ certId }], { key }),
  };
};

describe('together', () => {
  test('whoever asks what is being asked waits for that', async () => {
    const leaf = newLeaf();
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(about(leaf))));
    expect(new Set(answers).size).toBe(1);
    expect(responder.asked).toHaveLength(1);
  });

  test('a host has 32 questions at a time; others go on, and it does when it has answered', async () => {
    const waiting: (() => void)[] = [];
    const slow = over(
      (request) =>
        new Promise((resolve) => {
          if (request.url.includes('other')) resolve(answered(request));
          else waiting.push(() => resolve(answered(request)));
        }),
    );
    const running = Array.from({ length: 32 }, () => slow(about(newLeaf())));
    expect(await heard(slow(about(newLeaf())))).toBe('responder-busy');
    expect(await heard(slow(about(newLeaf(), 'http://other.example/')))).toBe('good');
    for (const answer of waiting.splice(0)) answer();
    expect((await Promise.all(running)).every(({ known }) => known)).toBe(true);
    const next = slow(about(newLeaf()));
    waiting.pop()?.();
    expect(await heard(next)).toBe('good');
  });
});

describe('a responder that cannot be reached', () => {
  const SECOND = 1_000;
  const reached = () => responder.asked.length;

  test('takes the time of who waits for it once, however many come then', async () => {
    responder.instead = () => {};
    const one = () => heard(ask(about(newLeaf())));
    const together = await Promise.all(Array.from({ length: 5 }, one));
    expect(together).toEqual(Array(5).fill('timed-out'));
    expect(await one()).toBe('responder-resting');
    expect(reached()).toBe(5);
    // Whoever has to know may wait.
    expect(await heard(ask({ ...about(newLeaf()), isFresh: true }))).toBe('timed-out');
    expect(reached()).toBe(6);
    responder.instead = undefined;
    expect(await heard(ask(about(newLeaf())))).toBe('responder-resting');
    expect(await heard(ask({ ...about(newLeaf()), isFresh: true }))).toBe('good');
    expect(await heard(ask(about(newLeaf())))).toBe('good');
  });

  test('is asked again after five seconds, then ten, and a minute at most; by one at first', async () => {
    const began = Date.now();
    wall = () => began;
    let fails = true;
    const requests: string[] = [];
    const waiting: (() => void)[] = [];
    const slow = over(async (request) => {
      requests.push(request.url);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return fails ? { ok: false, failure: 'timed-out' } : answered(request);
    });
    const end = () => {
      for (const answer of waiting.splice(0)) answer();
    };
    const one = async () => {
      const answer = heard(slow(about(newLeaf())));
      await Promise.resolve();
      end();
      return answer;
    };
    expect(await one()).toBe('timed-out');
    for (const seconds of [5, 10, 20, 40, 60, 60]) {
      later += (seconds - 1) * SECOND;
      expect(await one()).toBe('responder-resting');
      later += 2 * SECOND;
      expect(await one()).toBe('timed-out');
    }
    expect(requests).toHaveLength(7);
    later += 61 * SECOND;
    fails = false;
    const first = heard(slow(about(newLeaf())));
    expect(await heard(slow(about(newLeaf())))).toBe('responder-resting');
    end();
    expect(await first).toBe('good');
    expect(await one()).toBe('good');
    expect(requests).toHaveLength(9);
  });

  test.each(['timed-out', 'unreachable', 'host-unknown', 'tls-failed'] as const)(
    'after %s it rests, and others do not',
    async (failure) => {
      const down = over(async (request) =>
        request.url.includes('down') ? { ok: false, failure } : answered(request),
      );
      expect(await heard(down(about(newLeaf(), 'http://down.example/')))).toBe(failure);
      expect(await heard(down(about(newLeaf(), 'http://down.example/a')))).toBe(
        'responder-resting',
      );
      expect(await heard(down(about(newLeaf(), 'http://up.example/')))).toBe('good');
      // It takes no time to pass it over.
      const both = about(newLeaf(), 'http://down.example/', 'http://up.example/');
      expect(await heard(down(both))).toBe('good');
    },
  );

  test('does not rest for what it does not serve', async () => {
    const plain = over(async (request) =>
      request.url.startsWith('https:') ? { ok: false, failure: 'timed-out' } : answered(request),
    );
    expect(await heard(plain(about(newLeaf(), 'https://up.example/')))).toBe('timed-out');
    expect(await heard(plain(about(newLeaf(), 'http://up.example/')))).toBe('good');
    expect(await heard(plain(about(newLeaf(), 'https://up.example/')))).toBe('responder-resting');
  });

  test('rests for nobody’s clock that was put back', async () => {
    responder.instead = (response) => void response.destroy();
    expect(await heard(ask(about(newLeaf())))).toBe('unreachable');
    later = -MINUTE;
    expect(await heard(ask(about(newLeaf())))).toBe('unreachable');
    expect(await heard(ask(about(newLeaf())))).toBe('responder-resting');
  });

  test('is one of a hundred that are remembered', async () => {
    const down = over(async () => ({ ok: false, failure: 'unreachable' }));
    const host = (number: number) => heard(down(about(newLeaf(), `http://h${number}.example/`)));
    for (let number = 0; number <= 100; number += 1) await host(number);
    expect(await host(1)).toBe('responder-resting');
    expect(await host(0)).toBe('unreachable');
  });

  test('a fresh question takes nothing that is kept, and what it hears is kept', async () => {
    const leaf = newLeaf();
    expect(await heard(ask(about(leaf)))).toBe('good');
    responder.statuses.set(serialOf(leaf), revoked);
    expect(await heard(ask(about(leaf)))).toBe('good');
    expect(await heard(ask({ ...about(leaf), isFresh: true }))).toBe('revoked');
    expect(await heard(ask(about(leaf)))).toBe('revoked');
    expect(reached()).toBe(2);
    // Without an answer, what holds goes on to.
    responder.instead = (response) => void response.writeHead(500).end();
    expect(await heard(ask({ ...about(leaf), isFresh: true }))).toBe('http-status');
    expect(await heard(ask(about(leaf)))).toBe('revoked');
  });
});

describe('what fails', () => {
  test('has a time: a responder that says nothing is given up within two seconds', async () => {
    responder.instead = () => {};
    const before = performance.now();
    expect(await heard(ask(about(newLeaf())))).toBe('timed-out');
    expect(performance.now() - before).toBeGreaterThan(1_400);
    const [request] = await askedWith();
    expect(request?.timeoutMilliseconds).toBeLessThan(2_000);
  });
  const askedWith = async () => {
    const requests: OutboundRequest[] = [];
    await over(async (request) => {
      requests.push(request);
      return { ok: false, failure: 'timed-out' };
    })(about(newLeaf()));
    return requests;
  };

  test('W7 only hosts that are listed are to be asked, for 64 KiB', async () => {
    expect(await askedWith()).toEqual([
      expect.objectContaining({ method: 'POST', reach: 'listed', maximumBody: 64 * 1024 }),
    ]);
  });

  test.each([
    ['is nothing', Buffer.alloc(0), 'response-unreadable'],
    ['is a page', Buffer.from('<html>sign in</html>'), 'response-unreadable'],
    ['is too large', Buffer.alloc(65 * 1024), 'answer-too-large'],
    ['is an error', Buffer.from('30030a0103', 'hex'), 'responder-tryLater'],
  ])('an answer that %s', async (_, body, reason) => {
    responder.instead = (response) => void response.end(body);
    expect(await heard(ask(about(newLeaf())))).toBe(reason);
  });

  test('W7 a redirect', async () => {
    responder.instead = (response) =>
      void response.writeHead(302, { location: responder.url }).end();
    expect(await heard(ask(about(newLeaf())))).toBe('redirected');
    expect(responder.asked).toHaveLength(1);
  });

  test('an answer that somebody else has signed', async () => {
    responder.serve(issuer, generateKey());
    expect(await heard(ask(about(newLeaf())))).toBe('signer-unknown');
  });

  test('is logged with host and reason, and no more', async () => {
    const lines = () => log.lines.splice(0).map((line) => JSON.parse(line));
    responder.instead = (response) => void response.writeHead(500).end('a secret');
    await ask(about(newLeaf()));
    const host = `127.0.0.1:${responder.port}`;
    expect(lines()).toEqual([
      expect.objectContaining({
        ...{ level: 'warn', event: 'foreign-status-unknown', host, reason: 'http-status' },
      }),
    ]);
    await ask(about(newLeaf(), 'http://elsewhere.example/path'));
    const [line] = lines();
    expect(line).toMatchObject({ level: 'info', host: 'elsewhere.example' });
    expect(JSON.stringify(line)).not.toContain('path');
  });
});
