/**
 * Reads that several callers ask for in the same turn of the event loop are one query: those whose
 * certificates were committed together come back together. A read still starts after it was asked
 * for, so nobody is told of a state from before.
 */

/** Far below the limits on bound values of either database. */
const MAX_KEYS = 200;

interface Batch<V> {
  readonly keys: Set<string>;
  readonly answer: Promise<(key: string) => V>;
}

/**
 * Joins reads by key.
 * @param read asks for all keys at once and tells the answer to each
 */
export function sharedRead<V>(
  read: (keys: readonly string[]) => Promise<(key: string) => V>,
): (key: string) => Promise<V> {
  let open: Batch<V> | undefined;

  const newBatch = (): Batch<V> => {
    const keys = new Set<string>();
    const asked = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (open === batch) open = undefined;
      return read([...keys]);
    };
    const batch = { keys, answer: asked() };
    return batch;
  };

  return async (key) => {
    if (open === undefined || open.keys.size >= MAX_KEYS) open = newBatch();
    open.keys.add(key);
    const answer = await open.answer;
    return answer(key);
  };
}
