/** The style of the pages: system fonts, light and dark as the reader has it, nothing fetched. */

export const style = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --raised: #ffffff; --text: #1d2125; --quiet: #5c6670; --line: #dfe3e6;
  --link: #0b5cad; --code: #eef1f3; --mark: #fff3c4;
  --get: #0b6e4f; --post: #0b5cad; --put: #8a5a00; --delete: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --raised: #1b1f23; --text: #e4e7ea; --quiet: #9aa4ae; --line: #30363c;
    --link: #7db8f5; --code: #23282d; --mark: #3d3615;
    --get: #62cfa3; --post: #7db8f5; --put: #e6b35c; --delete: #f2938c;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; display: grid; grid-template-columns: 20rem minmax(0, 1fr);
  background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible, summary:focus-visible, pre:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px;
}
code, pre, .method, .status, nav li span {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .875em;
}
code { background: var(--code); padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--raised); padding: .5rem 1rem; z-index: 1; }

nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1.25rem 3rem;
  border-right: 1px solid var(--line); background: var(--raised); font-size: .875rem;
}
nav .brand { margin: 0; font-size: 1.25rem; font-weight: 650; }
nav .brand a { color: var(--text); }
nav small { color: var(--quiet); font-weight: 400; font-size: .8rem; }
nav .links { margin: .25rem 0 0; display: flex; gap: 1rem; }
nav h2 { margin: 1.5rem 0 .35rem; font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; }
nav h2 a { color: var(--quiet); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: .5rem; padding: .16rem 0; color: var(--text); align-items: baseline; }
nav li span { overflow-wrap: break-word; font-size: .8rem; min-width: 0; }
nav .method { flex: 0 0 3.1rem; }

main { padding: 2.5rem clamp(1rem, 4vw, 4rem) 6rem; max-width: 68rem; min-width: 0; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
main > section > h2 {
  margin: 3.5rem 0 .25rem; font-size: 1.15rem; text-transform: uppercase; letter-spacing: .05em;
}
.lead { color: var(--quiet); margin-top: 0; font-size: 1.05rem; }
h3 { font-size: 1.1rem; margin: 0 0 .25rem; }
h4 {
  margin: 1.5rem 0 .4rem; font-size: .75rem; letter-spacing: .06em; text-transform: uppercase;
  color: var(--quiet);
}
.self { color: inherit; }
p { margin: .6rem 0; max-width: 46rem; }

article, .schema {
  background: var(--raised); border: 1px solid var(--line); border-radius: 8px;
  padding: 1.25rem 1.5rem; margin: 1.25rem 0;
}
article:target, .schema:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
tr:target { background: var(--mark); }
.route { margin: 0; }
.route code { background: none; padding: 0; font-size: .95rem; }
.method { text-transform: uppercase; font-weight: 700; font-size: .72rem; }
.get { color: var(--get); } .post { color: var(--post); } .put, .patch { color: var(--put); }
.delete { color: var(--delete); }
.who { color: var(--quiet); font-size: .9rem; }
.role { color: var(--text); border-bottom: 1px dotted var(--quiet); cursor: help; }

table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th {
  text-align: left; font-weight: 600; color: var(--quiet); font-size: .8rem;
  padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line);
}
td { vertical-align: top; padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
td p { margin: 0 0 .3rem; }
td:first-child code { overflow-wrap: normal; white-space: nowrap; }
td p:last-child { margin-bottom: 0; }
.required { color: var(--delete); font-size: .75rem; white-space: nowrap; }
.limits { color: var(--quiet); font-size: .8rem; display: block; }

.answers { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr); margin: 0; }
.answers dt, .answers dd { margin: 0; padding: .4rem 0; }
.answers dd > p { margin: 0 0 .2rem; }
.status { font-weight: 700; }
.s2 { color: var(--get); } .sd { color: var(--delete); }
.media { color: var(--quiet); font-size: .9rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; font-size: .875rem; color: var(--link); }
pre {
  background: var(--code); border-radius: 6px; padding: .8rem 1rem; margin: .4rem 0 0;
  overflow-x: auto; line-height: 1.45;
}
pre code { background: none; padding: 0; overflow-wrap: normal; }

.error p { margin: .25rem 0; }
.remedy { color: var(--quiet); }
.facts { display: flex; flex-wrap: wrap; gap: .4rem 1.75rem; margin: .75rem 0 0; font-size: .875rem; }
.facts div { display: flex; gap: .4rem; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; font-weight: 600; }

@media (max-width: 56rem) {
  body { display: block; }
  nav { position: static; height: auto; max-height: 45vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding-top: 1.5rem; }
  article, .schema { padding: 1rem; overflow-x: auto; }
}
@media print { nav, .skip { display: none; } body { display: block; } article { break-inside: avoid; } }
`;
