/** openapi.yaml says what it has to, and its examples are what they are examples of. */

import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { loadApiDocument } from '../src/declarations.ts';
import { type ApiDocument, secretMembers } from '../src/http/api/operations.ts';
import { decodeIso2 } from '../src/iso15118/exi/iso2.ts';
import { failureAnswers } from '../src/iso15118/installation/failures.ts';
import { readIso2Installation } from '../src/iso15118/installation/iso2-request.ts';
import { readPemBlocks } from '../src/pki/pem.ts';
import { readRequest } from '../src/pki/request.ts';
import { operationsOf } from './support/openapi.ts';

const document = loadApiDocument() as ApiDocument;
const operations = operationsOf(document);

describe('every operation', () => {
  /** To ask again changes nothing, and what they have answered may be wrong a moment later. */
  const asking = [
    ...['authorizeContract', 'certificateChainStatus', 'certificateStatus'],
    ...['contractCertificate', 'verifyAudit'],
    ...['opcpGetSignedContractData', 'opncGetSignedContractData'],
  ];
  /** Once is as often as one likes, and their clients send no keys. */
  const repeatable = ['opcpPostDefaultContract'];

  test('K5 takes an Idempotency-Key if it is a POST under /v1 that does something', () => {
    for (const { id, method, path, parameters } of operations) {
      const takes = parameters.some(({ name }) => name === 'Idempotency-Key');
      expect(takes, id).toBe(
        method === 'post' && path.startsWith('/v1/') && ![...asking, ...repeatable].includes(id),
      );
    }
  });

  test('has an example of each JSON body that it takes or gives', () => {
    const without = operations.flatMap(({ id, bodies }) =>
      bodies
        .filter(({ type, examples }) => /json/.test(type) && examples.length === 0)
        .map(({ where }) => `${id} ${where}`),
    );
    expect(without).toEqual([]);
  });

  test('bounds every text that it takes (W1)', () => {
    const unbounded: string[] = [];
    const look = (schema: Record<string, unknown>, where: string): void => {
      const bounds = ['maxLength', 'enum', 'const', 'pattern', 'format'];
      if (schema.type === 'string' && !bounds.some((name) => name in schema)) unbounded.push(where);
      if (schema.type === 'array' && !('maxItems' in schema)) unbounded.push(where);
      for (const [name, member] of Object.entries(schema)) {
        if (typeof member === 'object' && member !== null) {
          look(member as Record<string, unknown>, `${where}.${name}`);
        }
      }
    };
    for (const { id, parameters, bodies } of operations) {
      for (const { name, schema } of parameters) look(schema, `${id} ${name}`);
      for (const { where, schema } of bodies) if (where === 'body') look(schema, id);
    }
    expect(unbounded).toEqual([]);
  });
});

describe('answers', () => {
  test('W9 what is secret in them is marked, so that it is never kept', () => {
    const marked = secretMembers(document);
    const suspicious = new Set<string>();
    const look = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties } = schema as { properties?: Record<string, unknown> };
      for (const [name, member] of Object.entries(properties ?? {})) {
        // Until when a secret holds is none.
        if ((member as { format?: string }).format === 'date-time') continue;
        if (/secret|passphrase|password|private/i.test(name)) suspicious.add(name);
      }
      for (const member of Object.values(schema)) look(member);
    };
    for (const { method, path, bodies } of operations) {
      if (method !== 'post' || !path.startsWith('/v1/')) continue;
      for (const { where, schema } of bodies) if (where !== 'body') look(schema);
    }
    expect([...suspicious].filter((name) => !marked.has(name))).toEqual([]);
    expect(marked).toContain('clientSecret');
  });
});

describe('examples', () => {
  const examples = operations.flatMap(({ id, bodies }) =>
    bodies.flatMap(({ where, type, validate, examples: values }) =>
      values.map(({ name, value }) => ({
        title: `${id} ${where}: ${name}`,
        type,
        validate,
        value,
      })),
    ),
  );

  test('are there', () => {
    expect(examples.length).toBeGreaterThan(25);
  });

  test.each(examples)('$title is what its schema says', ({ validate, value }) => {
    expect(validate(value)).toEqual([]);
  });

  test.each(examples)('$title has nothing left out, and PEM that can be read', ({ value }) => {
    const text = JSON.stringify(value);
    expect(text).not.toContain('...');
    for (const [pem] of text
      .replaceAll('\\n', '\n')
      .matchAll(/-----BEGIN [\s\S]*?-----END [A-Z ]+-----/g)) {
      if (pem.includes('REQUEST')) {
        const [request] = readPemBlocks(pem);
        expect(request && readRequest(request.der)).toMatchObject({ ok: true });
      } else if (pem.includes('PUBLIC KEY')) {
        expect(createPublicKey(pem).type).toBe('public');
      } else if (pem.includes('ENCRYPTED PRIVATE KEY')) {
        const [asked] = examples.filter(({ title }) => title.startsWith('collectExport body'));
        const body = asked?.value as { passphrase: string } | undefined;
        expect(createPrivateKey({ key: pem, passphrase: body?.passphrase ?? '' }).type).toBe(
          'private',
        );
      } else {
        expect(new X509Certificate(pem).subject).not.toBe('');
      }
    }
  });

  test('contractCertificate: EXI of a car, and the answer that it would get', () => {
    const values = (part: 'body' | '200') =>
      operations
        .filter(({ id }) => id === 'contractCertificate')
        .flatMap(({ bodies }) => bodies.filter(({ where }) => where === part))
        .flatMap(({ examples: all }) => all.map(({ value }) => value as Record<string, string>));
    const [[asked = {}], [told = {}]] = [values('body'), values('200')];
    const read = readIso2Installation(Buffer.from(asked.exiRequest ?? '', 'base64'));
    if (!read.ok) throw new Error(read.failure.message);
    const { pcid, sessionId } = read.request;
    const { header, body } = decodeIso2(Buffer.from(told.exiResponse ?? '', 'base64')).message;
    expect(header.sessionId).toEqual(sessionId);
    expect(body).toMatchObject({ responseCode: told.responseCode });
    expect(failureAnswers).toHaveProperty([told.reason ?? '', 'iso15118-2'], told.responseCode);
    expect(told.detail).toContain(pcid.normal);
  });
});
