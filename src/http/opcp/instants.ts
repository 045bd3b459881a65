/** As OPCP writes times: RFC 3339, UTC, without a fraction, which some clients cannot read. */
export const wholeSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
