/**
 * What is made of a key, kept while the key keeps coming: that of at most `limit` keys, and of
 * the last half as many (rounded down) at least.
 *
 * There are two maps. When the newer one is full it becomes the older one, and what that has had is
 * forgotten but for what was asked for since: a question moves nothing, as a rule.
 * @param limit at least 2
 * @returns a function that takes beside the key what makes the value, and, where a key does not
 *   say all, whether a value is the one that is asked for: the last one that was made stays
 */
export function recent<Value extends object, Key extends string | number = string>(limit: number) {
  const half = Math.floor(limit / 2);
  let newer = new Map<Key, Value>();
  let older = new Map<Key, Value>();
  return (key: Key, make: () => Value, isMeant: (value: Value) => boolean = () => true): Value => {
    const known = newer.get(key);
    if (known !== undefined && isMeant(known)) return known;
    const former = older.get(key);
    const value = former !== undefined && isMeant(former) ? former : make();
    if (known === undefined && newer.size >= half) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, value);
    return value;
  };
}
