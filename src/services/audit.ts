/** Who did what: the entries that every change of state is committed with. */

/** What happened, as the use case tells it. Storage adds stream, number, time and hashes. */
export interface AuditEvent {
  readonly at: Date;
  /** The organization in whose log it stands. */
  readonly organizationId: string;
  /** Another organization in whose log it stands as well: what crosses from one to the other. */
  readonly counterpart?: string;
  /**
   * Who: `client:<id>`, `bootstrap`, `evpki` when the service acts by itself, or `unknown` for
   * somebody who was turned away. By EST also `enrolment-secret:<id>`, `certificate:<id>` and
   * `factory-certificate:<station>`.
   */
  readonly actor: string;
  /** What, as noun and past participle: `certificate.issued`, `authority.created`. */
  readonly action: string;
  /** The id of what it was done to. */
  readonly subject: string;
  /** Anything else that an auditor needs; no secrets. Plain JSON values. */
  readonly details: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

export interface AuditWriter {
  /** Records something that changed no other row, such as a request that could not be read. */
  recordAudit(event: AuditEvent): Promise<void>;
}
