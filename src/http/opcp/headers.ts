/** Whether a header says yes: `true`, or `True`, as Python writes it. */
export const isYes = (header: string | undefined): boolean => header?.toLowerCase() === 'true';
