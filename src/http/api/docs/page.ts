/** What all pages of the documentation have around them. */

import { type Html, html } from './html.ts';

export const STYLE_PATH = '/docs/style.css';

/** A whole page; `aside` is what stands beside its text. */
export const page = (title: string, aside: Html, main: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<nav aria-label="Contents">${aside}</nav>
<main id="main">${main}</main>
</body>
</html>
`.text;
