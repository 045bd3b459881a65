import { type Alphabet, textProblem } from './alphabet.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** A domain name in preferred name syntax, as a dNSName carries it (RFC 5280 4.2.1.6). */
export interface HostName {
  /** Lower case, with the `*.` of a wildcard. */
  readonly normal: string;
  /** From left to right, lower case, without the `*` of a wildcard. */
  readonly labels: readonly string[];
  /** Whether it begins with `*.` and so stands for all names one level below. */
  readonly wildcard: boolean;
}

const what = 'A host name';
const alphabet: Alphabet = {
  text: /^[A-Za-z0-9.*-]*$/,
  description: "ASCII letters, digits, '-' and '.'",
};

/**
 * Reads a host name in any case: labels of 1 to 63 letters, digits and inner hyphens, 253
 * characters in all (RFC 1034 3.5, RFC 1123 2.1), no trailing dot. International names must come
 * as A-labels (`xn--`). A last label that is a number is refused, since URL software takes
 * such a name for an IPv4 address. `allowWildcard` takes a `*` that is the whole left-most label
 * above at least two others (RFC 6125 6.4.3); without it every `*` is refused.
 */
export const parseHostName = (
  text: string,
  { allowWildcard = false }: { readonly allowWildcard?: boolean } = {},
): Parsed<HostName> => {
  const problem = textProblem(text, what, { min: 1, max: 253 }, alphabet);
  if (problem !== undefined) return unparsed(problem);
  const normal = text.toLowerCase();
  const wildcard = normal.startsWith('*.');
  const labels = (wildcard ? normal.slice(2) : normal).split('.');
  if (labels.some((label) => label.includes('*'))) {
    return unparsed(`${what} may have '*' only as its whole left-most label`);
  }
  if (wildcard && !allowWildcard) return unparsed(`A wildcard is not allowed here: ${normal}`);
  if (wildcard && labels.length < 2) {
    return unparsed(`A wildcard needs two labels below it at least: ${normal}`);
  }
  for (const label of labels) {
    if (label === '') return unparsed(`${what} has no empty labels and no dot at its end`);
    if (label.length > 63) return unparsed(`A label of a host name has at most 63 characters`);
    if (label.startsWith('-') || label.endsWith('-')) {
      return unparsed(`A label of a host name neither begins nor ends with '-': ${label}`);
    }
  }
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) {
    return unparsed(`${what} does not end in a number; this looks like an IP address: ${normal}`);
  }
  return parsed({ normal, labels, wildcard });
};
