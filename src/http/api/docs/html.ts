/** HTML from data: what is put into a template is escaped, unless it is HTML already. */

/** Markup that nothing needs to be escaped in any more. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Html | undefined | readonly Content[];

/** Use as a tag: html`<p title="${title}">${text}</p>`; attributes always in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  const text = strings.reduce((sum, part, index) => sum + textOf(values[index - 1]) + part);
  return new Html(text);
}

function textOf(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(textOf).join('');
  return escapeHtml(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? '');

/** Text with code in backquotes, as openapi.yaml and the error table have it. */
export function inline(text: string): Html[] {
  return text
    .split('`')
    .map((part, index, parts) =>
      index % 2 === 1 && index < parts.length - 1
        ? html`<code>${part}</code>`
        : html`${index % 2 === 1 ? '`' : ''}${part}`,
    );
}

/** The same in paragraphs, which empty lines part. */
export const paragraphs = (text: string | undefined): Html[] =>
  (text ?? '')
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => html`<p>${inline(paragraph.trim())}</p>`);
