/**
 * A function of an object that never changes, which is asked about the same objects again and again:
 * what it says of one is kept as long as the object is. Of objects that are equal each has its own.
 */
export function remembered<Key extends object, Value extends object | string>(
  make: (key: Key) => Value,
): (key: Key) => Value {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const made = make(key);
    known.set(key, made);
    return made;
  };
}
