/**
 * What is made of a text, kept while the text keeps coming: those of at most `limit` texts, and of
 * the last half as many (rounded down) at least.
 *
 * There are two maps. When the newer one is full it becomes the older one, and what that has had is
 * forgotten but for what was asked for since: a question moves nothing, as a rule.
 * @param limit at least 2
 */
export function recent<Value extends object>(limit: number) {
  const half = Math.floor(limit / 2);
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  return (key: string, make: () => Value): Value => {
    const known = newer.get(key);
    if (known !== undefined) return known;
    const value = older.get(key) ?? make();
    if (newer.size >= half) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, value);
    return value;
  };
}
