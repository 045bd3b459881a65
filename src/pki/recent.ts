/**
 * What is made of a key, kept while the key keeps coming: that of at most `limit` keys, and of
 * the last half as many (rounded down) at least.
 *
 * There are two maps. When the newer one is full it becomes the older one, and what that has had is
 * forgotten but for what was asked for since: a question moves nothing, as a rule.
 * @param limit at least 2
 */
export function recent<Value extends object, Key extends string | number = string>(limit: number) {
  const half = Math.floor(limit / 2);
  let newer = new Map<Key, Value>();
  let older = new Map<Key, Value>();
  return (key: Key, make: () => Value): Value => {
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
