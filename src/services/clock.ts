/** The time now. Passed in everywhere, so that tests can move it and nothing waits for it. */
export type Clock = () => Date;
