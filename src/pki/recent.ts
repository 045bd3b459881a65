/**
 * What is made of a text, kept while the text keeps coming: those of at most `limit` texts, and of
 * the last half as many (rounded down) at least.
 *
 * There are two maps. When the newer one is full it becomes the older one, and what that has had is
 * forgotten but for what was asked for since: a question moves nothing, as a rule.
 * @param limit at least 2
 * @returns a function that takes beside the text what makes the value, and, where a text does not
 *   say all, whether a value is the one that is asked for: the last one that was made stays
 */
export function recent<Value extends object>(limit: number) {
  const half = Math.floor(limit / 2);
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  return (
    key: string,
    make: () => Value,
    isMeant: (value: Value) => boolean = () => true,
  ): Value => {
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
