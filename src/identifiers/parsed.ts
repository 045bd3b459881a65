/** What a parser of outside text returns: the value, or one sentence on why there is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });

export const unparsed = (reason: string): Parsed<never> => ({ ok: false, reason });
