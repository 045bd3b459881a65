/** Schemas as people read them: a word for the type, the limits, and a table of the members. */

import type { Schema } from './document.ts';
import { type Html, html, paragraphs } from './html.ts';

const SCHEMAS = '#/components/schemas/';

/** `array of Violation`, `string, RFC 3339`; types that have a section of their own are links. */
export function typeText(schema: Schema | undefined): Html {
  if (schema === undefined) return html`anything`;
  if (schema.$ref?.startsWith(SCHEMAS)) {
    const name = schema.$ref.slice(SCHEMAS.length);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.items) return html`array of ${typeText(schema.items)}`;
  for (const parts of [schema.allOf, schema.oneOf, schema.anyOf]) {
    if (!parts) continue;
    const between = parts === schema.allOf ? ' and ' : ' or ';
    return html`${parts.map((part, index) => [index > 0 ? between : '', typeText(part)])}`;
  }
  if (schema.const !== undefined) return html`always ${code(schema.const)}`;
  if (schema.enum) return html`${schema.enum.map((word, n) => [n > 0 ? ' | ' : '', code(word)])}`;
  const format = schema.format === undefined ? '' : `, ${formats[schema.format] ?? schema.format}`;
  return html`${[schema.type ?? 'object'].flat().join(' or ')}${format}`;
}

const formats: Readonly<Record<string, string>> = { 'date-time': 'RFC 3339' };

const code = (value: unknown): Html => html`<code>${String(value)}</code>`;

/** What a value has to keep to besides its type. */
export function limitsText(schema: Schema | undefined): Html {
  if (schema === undefined) return html``;
  const { minLength, maxLength, minimum, maximum, minItems, maxItems, pattern } = schema;
  const limits: Html[] = [];
  const range = (from: number | undefined, to: number | undefined, unit: string) => {
    if (from === undefined && to === undefined) return;
    const span =
      from === undefined
        ? `at most ${to}`
        : to === undefined
          ? `at least ${from}`
          : `${from}–${to}`;
    limits.push(html`${span}${unit}`);
  };
  range(minLength, maxLength, ' characters');
  range(minimum, maximum, '');
  range(minItems, maxItems, ' entries');
  if (pattern !== undefined) limits.push(html`<code>${pattern}</code>`);
  if (schema.default !== undefined) limits.push(html`${code(schema.default)} if absent`);
  if (limits.length === 0) return html``;
  return html`<span class="limits">${limits.map((limit, n) => [n > 0 ? '; ' : '', limit])}</span>`;
}

/** A section per schema. */
export const schemaSection = (name: string, schema: Schema): Html => html`
<section class="schema" id="schema-${name}">
<h3><a class="self" href="#schema-${name}">${name}</a></h3>
${paragraphs(schema.description)}
${schemaBody(schema)}
</section>`;

function schemaBody(schema: Schema): Html {
  const parts = schema.allOf ?? [];
  const inherited = parts.filter(({ $ref }) => $ref !== undefined);
  const own = [schema, ...parts.filter(({ $ref }) => $ref === undefined)];
  const required = new Set(own.flatMap((part) => part.required ?? []));
  const members = own.flatMap((part) => Object.entries(part.properties ?? {}));
  if (members.length === 0) {
    return html`<p>${typeText(schema)} ${limitsText(schema)}</p>`;
  }
  const above = inherited.map((part) => html`<p>Everything of ${typeText(part)}, and:</p>`);
  return html`${above}
<table>
<thead><tr><th>member</th><th>type</th><th>what it is</th></tr></thead>
<tbody>${members.map(
    ([name, member]) => html`
<tr><td><code>${name}</code>${required.has(name) ? requiredMark : ''}</td>
<td>${typeText(member)} ${limitsText(member)}</td>
<td>${paragraphs(member.description)}</td></tr>`,
  )}</tbody>
</table>`;
}

export const requiredMark: Html = html` <span class="required">required</span>`;
