/** Lines of a POSIX shell that do what a command has done, for whoever wants to do it again. */

export interface ApiPlace {
  /** Of the API. */
  readonly url: string;
  /** The file with the CA of its certificate. */
  readonly ca: string;
  /** The file with the client's id and secret. */
  readonly credentials: string;
}

/** `pick` takes a member out of JSON; `api` is curl with a token. */
export const apiLines = ({ url, ca, credentials }: ApiPlace): readonly string[] => [
  `pick() { node -p "JSON.parse(require('fs').readFileSync(0)).$1"; }`,
  `TOKEN=$(node -p 'const { clientId, clientSecret } = JSON.parse(require("fs").readFileSync(process.argv[1]));\n` +
    `JSON.stringify({ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret })' ${quoted(credentials)} |\n` +
    `curl -sS --cacert ${quoted(ca)} -H 'Content-Type: application/json' -d @- ${quoted(`${url}/oauth/token`)} | pick access_token)`,
  `api() { curl -sS --fail-with-body --cacert ${quoted(ca)} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -w '\\n' "$@"; }`,
];

/** A word of the shell. */
export const quoted = (text: string): string =>
  /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
