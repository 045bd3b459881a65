/** Whatever object it is given is what it makes, so that a class below adds fields to that object. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: that is all that it is for
    return object;
  }
}

/**
 * A function of an object that never changes, which is asked about the same objects again and again:
 * what it says of one is kept as long as the object is. Of objects that are equal each has its own,
 * copies too.
 *
 * It is kept in a private field of the object. A WeakMap that has grown old holds what it knows of
 * new objects, and so these, until everything is collected: what comes with a request, once, would
 * outlive its request a thousand times.
 */
export function remembered<Key extends object, Value extends object | string>(
  make: (key: Key) => Value,
): (key: Key) => Value {
  class Known extends Given {
    readonly #value: Value;

    constructor(key: Key, value: Value) {
      super(key);
      this.#value = value;
    }

    static of(key: Key): Value | undefined {
      return #value in key ? key.#value : undefined;
    }
  }
  return (key) => {
    const before = Known.of(key);
    if (before !== undefined) return before;
    const made = make(key);
    new Known(key, made);
    return made;
  };
}
