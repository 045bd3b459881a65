import { describe, expect, test } from 'vitest';
import { loadApiDocument, loadPolicies } from '../../../../src/declarations.ts';
import type { OpenApi } from '../../../../src/http/api/docs/document.ts';
import { errorsPage } from '../../../../src/http/api/docs/errors-page.ts';
import { html, inline, paragraphs } from '../../../../src/http/api/docs/html.ts';
import { operationsPage } from '../../../../src/http/api/docs/operations-page.ts';
import { violationCodes } from '../../../../src/pki/violations.ts';
import { errorCodes } from '../../../../src/services/errors.ts';

const hostile = `"><script>alert('x')</script><img src=x onerror="y">&amp;\`</code>\``;

describe('HTML', () => {
  test('W6 what is put into a template is text, in elements and in attributes', () => {
    expect(html`<p title="${hostile}">${hostile}</p>`.text).toBe(
      `<p title="${escaped(hostile)}">${escaped(hostile)}</p>`,
    );
  });

  test('HTML in HTML and lists of it are not escaped again, numbers are numbers', () => {
    expect(html`<ul>${[html`<li>${'<'}</li>`, html`<li>${2}</li>`]}</ul>${undefined}`.text).toBe(
      '<ul><li>&lt;</li><li>2</li></ul>',
    );
  });

  test.each([
    ['a `b` c', 'a <code>b</code> c'],
    ['`<b>`', '<code>&lt;b&gt;</code>'],
    ['one ` alone', 'one ` alone'],
    ['`a` and ` alone', '<code>a</code> and ` alone'],
  ])('code in %s', (text, expected) => {
    expect(html`${inline(text)}`.text).toBe(expected);
  });

  test('paragraphs are parted by empty lines', () => {
    expect(html`${paragraphs('a\nb\n\nc\n')}`.text).toBe('<p>a\nb</p><p>c</p>');
    expect(paragraphs(undefined)).toEqual([]);
  });
});

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** A document in which every text is hostile, built like the real one. */
function hostileDocument(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    return key === '$ref' || key === 'tags' || key === 'in' ? value : `${value}${hostile}`;
  }
  if (Array.isArray(value)) return value.map((item) => hostileDocument(item, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'tags' && key === 'tags' ? member : hostileDocument(member, name),
    ]),
  );
}

/** The ids of a page, and what its links to places of the page lead to. */
function anchorsOf(page: string) {
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
  const links = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id ?? '');
  return { ids, links };
}

describe('the page of the API', () => {
  const document = loadApiDocument() as OpenApi;
  const { access } = loadPolicies();
  const page = operationsPage(document, access);

  test('has every operation, parameter and schema, each at an anchor of its own', () => {
    const { ids, links } = anchorsOf(page);
    expect(new Set(ids).size).toBe(ids.length);
    expect(links.filter((link) => !ids.includes(link))).toEqual([]);
    for (const item of Object.values(document.paths)) {
      for (const operation of Object.values(item)) {
        if (operation?.operationId) expect(ids).toContain(operation.operationId);
      }
    }
    for (const name of Object.keys(document.components?.schemas ?? {})) {
      expect(ids).toContain(`schema-${name}`);
    }
  });

  test('says which action an operation needs and who has it', () => {
    const article = page.slice(page.indexOf('<article id="signCertificate">'));
    const [who] = /<p class="who">.*?<\/p>/s.exec(article) ?? [];
    const text = who?.replace(/<[^>]*>/g, '');
    expect(text).toContain('Needs ocpp:sign, which these roles have:');
    for (const role of access.values()) {
      const has = role.actions === 'all' || role.actions.has('ocpp:sign');
      expect(new RegExp(`\\b${role.name}\\b`).test(text ?? ''), role.name).toBe(has);
    }
    expect(page).toContain('Without credentials.');
  });

  test('W6 has no script, no inline style, no handler, and fetches nothing from elsewhere', () => {
    for (const text of [page, errorsPage('evpki')]) {
      expect(text).not.toMatch(/<script|<style| style=| on[a-z]+=|javascript:|<iframe|<object/i);
      expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
    }
  });

  test('W6 whatever a document says, it stays text', () => {
    const changed = hostileDocument(document) as OpenApi;
    const text = operationsPage(
      { ...changed, tags: document.tags ?? [], paths: changed.paths },
      access,
    );
    expect(text).not.toMatch(/<script|<img|onerror="/);
    expect(text).toContain(escaped(hostile));
    const tags = (markup: string) => new Set(markup.match(/<[a-z0-9]+/g));
    expect([...tags(text)].filter((tag) => !tags(page).has(tag))).toEqual([]);
  });

  test('a reference that leads nowhere fails the start', () => {
    const broken = {
      ...document,
      paths: { '/x': { get: { tags: ['access'], parameters: [{ $ref: '#/components/no' }] } } },
    };
    expect(() => operationsPage(broken, access)).toThrow('#/components/no');
  });
});

describe('the page of errors', () => {
  const page = errorsPage('evpki');

  test('says what becomes of them in EST', () => {
    expect(page).toContain('<p>In EST (RFC 7030) they are lines of text, each with a code');
  });

  test('has an anchor for each code and each violation', () => {
    const { ids, links } = anchorsOf(page);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(errorCodes)));
    for (const code of Object.keys(violationCodes)) expect(ids).toContain(`violation-${code}`);
    expect(links.filter((link) => !ids.includes(link))).toEqual([]);
  });
});
