/** Ways to damage a message, drawn by fast-check. */

import fc from 'fast-check';

type Mutation = (octets: Uint8Array) => Uint8Array;

/** A place in a message of whatever length. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (where: number, { length }: Uint8Array): number => Math.floor(where * length);

const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts));

const flipBit = fc.tuple(place, fc.nat(7)).map(
  ([where, bit]): Mutation =>
    (octets) => {
      if (octets.length === 0) return octets;
      const index = at(where, octets);
      return octets.with(index, (octets[index] ?? 0) ^ (1 << bit));
    },
);

/** Near the beginning, where the structure is. */
const flipEarlyBit = fc.tuple(fc.nat(40), fc.nat(7)).map(
  ([index, bit]): Mutation =>
    (octets) =>
      index < octets.length ? octets.with(index, (octets[index] ?? 0) ^ (1 << bit)) : octets,
);

const setOctet = fc.tuple(place, fc.nat(255)).map(
  ([where, octet]): Mutation =>
    (octets) =>
      octets.length === 0 ? octets : octets.with(at(where, octets), octet),
);

const truncate = place.map(
  (where): Mutation =>
    (octets) =>
      octets.slice(0, at(where, octets)),
);

const insert = fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 4 })).map(
  ([where, more]): Mutation =>
    (octets) => {
      const index = at(where, octets);
      return joined(octets.subarray(0, index), more, octets.subarray(index));
    },
);

const remove = fc.tuple(place, fc.integer({ min: 1, max: 4 })).map(
  ([where, count]): Mutation =>
    (octets) => {
      const index = at(where, octets);
      return joined(octets.subarray(0, index), octets.subarray(index + count));
    },
);

const copyWithin = fc.tuple(place, place, fc.integer({ min: 1, max: 40 })).map(
  ([from, to, count]): Mutation =>
    (octets) => {
      const copy = Uint8Array.from(octets);
      return copy.copyWithin(at(to, octets), at(from, octets), at(from, octets) + count);
    },
);

const append = fc.uint8Array({ minLength: 1, maxLength: 3 }).map(
  (more): Mutation =>
    (octets) =>
      joined(octets, more),
);
const appendZeros = fc.constant<Mutation>((octets) => joined(octets, Uint8Array.of(0)));

const one = fc.oneof(
  { weight: 6, arbitrary: flipBit },
  { weight: 2, arbitrary: flipEarlyBit },
  { weight: 3, arbitrary: setOctet },
  { weight: 1, arbitrary: truncate },
  { weight: 1, arbitrary: insert },
  { weight: 1, arbitrary: remove },
  { weight: 1, arbitrary: copyWithin },
  { weight: 1, arbitrary: append },
  { weight: 1, arbitrary: appendZeros },
);

/** One to three of them, one after the other. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(one, { minLength: 1, maxLength: 3 })
  .map((all) => (octets) => all.reduce((so, mutate) => mutate(so), octets));
