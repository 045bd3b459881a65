/**
 * What is made of a text, kept while the text keeps coming: at most `limit` of them, and at least
 * those half as many that were asked for last.
 *
 * There are two maps. When the newer one is full it becomes the older one, and what that has had is
 * forgotten but for what was asked for since: a question moves nothing, as a rule.
 */
export function recent<Value extends object>(limit: number) {
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  return (key: string, make: () => Value): Value => {
    const known = newer.get(key);
    if (known !== undefined) return known;
    const value = older.get(key) ?? make();
    if (newer.size >= limit / 2) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, value);
    return value;
  };
}
