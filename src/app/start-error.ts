/** What evpki does not start with; the message says what to set or to mend. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
