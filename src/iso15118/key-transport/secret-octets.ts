/**
 * Zeros to write a secret over. V8 keeps small buffers of `Buffer.alloc` or `new Uint8Array` in its
 * own heap, where the garbage collector moves them and leaves copies behind that nobody overwrites;
 * and `Buffer.concat` takes them from memory that it shares out. What is made here stays in one place
 * of its own.
 */
export const secretOctets = (length: number): Buffer => Buffer.from(new ArrayBuffer(length));
