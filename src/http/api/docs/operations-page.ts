/** The page of the API: every operation with what goes in, what comes out, and who may call it. */

import type { AccessPolicy } from '../../../services/access-policy.ts';
import {
  type Example,
  type Media,
  type OpenApi,
  type OperationObject,
  type Parameter,
  resolved,
} from './document.ts';
import { type Html, html, inline, paragraphs } from './html.ts';
import { page } from './page.ts';
import { limitsText, requiredMark, schemaSection, typeText } from './schemas.ts';

interface Shown {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The whole page, as a text that never changes while the process runs. */
export function operationsPage(document: OpenApi, access: AccessPolicy): string {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method): Shown[] => {
      const operation = item[method];
      return operation ? [{ id: operation.operationId ?? '', method, path, operation }] : [];
    }),
  );
  const groups = (document.tags ?? []).map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => operation.tags?.[0] === name),
  }));
  const schemas = Object.entries(document.components?.schemas ?? {});
  const { info } = document;
  const aside = html`
<p class="brand"><a href="/docs">${info.title}</a> <small>${info.version}</small></p>
<p class="links"><a href="/openapi.yaml">openapi.yaml</a> <a href="/docs/errors">errors</a></p>
${groups.map(
  (group) => html`<h2><a href="#tag-${group.name}">${group.name}</a></h2>
<ul>${group.operations.map(
    ({ id, method, path }) =>
      html`<li><a href="#${id}"><b class="method ${method}">${method}</b> <span>${breakable(path)}</span></a></li>`,
  )}</ul>`,
)}
<h2><a href="#schemas">schemas</a></h2>
<ul>${schemas.map(([name]) => html`<li><a href="#schema-${name}"><span>${name}</span></a></li>`)}</ul>`;
  const main = html`
<header>
<h1>${info.title} API</h1>
<p class="lead">${info.summary}</p>
${paragraphs(info.description)}
${credentials(document)}
</header>
${groups.map(
  (group) => html`
<section id="tag-${group.name}">
<h2>${group.name}</h2>
<p class="lead">${inline(group.description ?? '')}</p>
${group.operations.map((shown) => operationArticle(document, access, shown))}
</section>`,
)}
<section id="schemas">
<h2>schemas</h2>
${schemas.map(([name, schema]) => schemaSection(name, schema))}
</section>`;
  return page(`${info.title} API`, aside, main);
}

const credentials = (document: OpenApi): Html =>
  html`${Object.values(document.components?.securitySchemes ?? {}).map(
    ({ description }) => html`<p>Credentials: ${inline(description ?? '')}.</p>`,
  )}`;

function operationArticle(document: OpenApi, access: AccessPolicy, shown: Shown): Html {
  const { id, method, path, operation } = shown;
  return html`
<article id="${id}">
<h3><a class="self" href="#${id}">${operation.summary ?? id}</a></h3>
<p class="route"><b class="method ${method}">${method}</b> <code>${path}</code></p>
${paragraphs(operation.description)}
${whoMay(access, operation)}
${parametersTable(document, operation)}
${requestBody(document, operation)}
${responsesTable(document, operation)}
</article>`;
}

function whoMay(access: AccessPolicy, { 'x-evpki-action': action = '' }: OperationObject): Html {
  if (action === 'public') return html`<p class="who">Without credentials.</p>`;
  const roles = [...access.values()].filter(
    ({ actions }) => actions === 'all' || actions.has(action),
  );
  return html`<p class="who">Needs <code>${action}</code>, which ${
    roles.length === 0
      ? 'no role has'
      : `${roles.length === 1 ? 'one role has' : 'these roles have'}`
  }${roles.length === 0 ? '' : ': '}${roles.map(
    ({ name, description }, n) =>
      html`${n > 0 ? ', ' : ''}<span class="role" title="${description}">${name}</span>`,
  )}</p>`;
}

function parametersTable(document: OpenApi, { parameters = [] }: OperationObject): Html {
  if (parameters.length === 0) return html``;
  return html`<h4>Parameters</h4>
<table>
<thead><tr><th>name</th><th>in</th><th>type</th><th>what it is</th></tr></thead>
<tbody>${parameters
    .map((parameter) => resolved<Parameter>(document, parameter))
    .map(
      ({ name, in: place, required, schema, description }) => html`
<tr><td><code>${name}</code>${required ? requiredMark : ''}</td><td>${place}</td>
<td>${typeText(schema)} ${limitsText(schema)}</td><td>${paragraphs(description)}</td></tr>`,
    )}</tbody>
</table>`;
}

function requestBody(document: OpenApi, { requestBody: body }: OperationObject): Html {
  if (!body) return html``;
  const { content = {} } = resolved(document, body);
  return html`<h4>Body</h4>${mediaOf(document, content)}`;
}

function responsesTable(document: OpenApi, { responses = {} }: OperationObject): Html {
  const rows = Object.entries(responses).map(([status, response]) => {
    const { description = '', content = {} } = resolved(document, response);
    return html`
<dt><b class="status s${status[0]}">${status === 'default' ? 'else' : status}</b></dt>
<dd><p>${inline(description)}${status === 'default' ? html`: see the <a href="/docs/errors">errors</a>` : ''}</p>
${mediaOf(document, content)}</dd>`;
  });
  return html`<h4>Answers</h4><dl class="answers">${rows}</dl>`;
}

const mediaOf = (document: OpenApi, content: Readonly<Record<string, Media>>): Html[] =>
  Object.entries(content).map(
    ([type, media]) => html`
<p class="media"><code>${type}</code> ${typeText(media.schema)}</p>
${examplesOf(document, media)}`,
  );

const examplesOf = (document: OpenApi, { examples = {} }: Media): Html[] =>
  Object.entries(examples).map(([name, entry]) => {
    const { summary, value } = resolved<Example>(document, entry);
    const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
    return html`<details><summary>Example: ${summary ?? name}</summary>
<pre tabindex="0"><code>${text}</code></pre></details>`;
  });

/** A path that may go on in the next line after a slash, and nowhere else. */
const breakable = (path: string): Html =>
  html`${path.split('/').map((part, n) => [n > 0 ? html`/<wbr>` : '', part])}`;
