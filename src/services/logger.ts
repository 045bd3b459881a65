/** Where a part of evpki says what it did. A port: `observe/log.ts` writes the lines. */

/** What belongs to an event: plain values, errors, octets. Secrets are taken out by their names. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  /**
   * Each call is one line. Calls never throw.
   * @param event what happened, in kebab-case and always the same for the same thing: `listening`
   */
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line; a call's own fields win over them. */
  child(fields: LogFields): Logger;
}
