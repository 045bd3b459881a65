/** The page that the `type` of problems points to: every code at its own anchor. */

import { violationCodes } from '../../../pki/violations.ts';
import { errorNotes, errorRows, violationNote } from '../../../services/error-tables.ts';
import { html, inline } from './html.ts';
import { page } from './page.ts';

export function errorsPage(title: string): string {
  const aside = html`
<p class="brand"><a href="/docs">${title}</a></p>
<p class="links"><a href="/docs">API</a></p>
<h2><a href="#errors">errors</a></h2>
<ul>${errorRows.map(({ code }) => html`<li><a href="#${code}"><span>${code}</span></a></li>`)}</ul>
<h2><a href="#violations">violations</a></h2>`;
  const main = html`
<header id="errors">
<h1>Errors</h1>
${errorNotes.map((note) => html`<p>${inline(note)}</p>`)}
</header>
${errorRows.map(
  ({ code, http, est, ocpp, exit, cause, remedy }) => html`
<article class="error" id="${code}">
<h3><a class="self" href="#${code}"><code>${code}</code></a></h3>
<p>${inline(cause)}</p>
<p class="remedy">${inline(remedy)}</p>
<dl class="facts">
<div><dt>HTTP</dt><dd>${http}</dd></div>
<div><dt>EST</dt><dd>${est}</dd></div>
<div><dt>OCPP</dt><dd>${ocpp}</dd></div>
<div><dt>exit status</dt><dd>${exit}</dd></div>
</dl>
</article>`,
)}
<section id="violations">
<h2>violations</h2>
<p>${inline(violationNote)}</p>
<table>
<thead><tr><th>code</th><th>cause</th></tr></thead>
<tbody>${Object.entries(violationCodes).map(
    ([code, cause]) => html`
<tr id="violation-${code}"><td><code>${code}</code></td><td>${inline(cause)}</td></tr>`,
  )}</tbody>
</table>
</section>`;
  return page(`Errors of ${title}`, aside, main);
}
