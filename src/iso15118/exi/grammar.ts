/**
 * Grammars of the schema's types. A type is declared as the schema declares it, its attributes in
 * the order of their names, then its elements in their order; each part names the field of the value
 * that it becomes. From this follow the states of EXI 1.0, section 8.5.4, in the non-strict form
 * that ISO 15118 uses: a state has a production for whatever may come next, the event code is the
 * production's place, and there is room for one more code, which leaves the schema and which nobody
 * may use. `test/iso15118/exi/grammar.test.ts` holds the listing of these states.
 */

import type { Datatype } from './datatypes.ts';
import type { ExiErrorCode } from './exi-error.ts';

/** What may come next, and how many bits tell which. */
export interface State {
  readonly productions: readonly Production[];
  readonly width: number;
  /** Code of the element's end; -1 where it may not end. */
  readonly end: number;
}

export type Production =
  | (Entry & { readonly part: AnyPart; readonly next: State })
  | { readonly event: 'EE' }
  | Refused;

/** A production that is followed by a value. */
export type OfValue = Exclude<Production, { event: 'EE' | 'refused' }>;

export const isOfValue = (production: Production): production is OfValue =>
  production.event !== 'EE' && production.event !== 'refused';

/** An attribute, a child element or the content, as the first event of which it is known. */
type Entry =
  | {
      readonly event: 'AT';
      readonly name: string;
      /** Of a path. */
      readonly step: string;
      /** Tells attributes of one name and several namespaces apart. */
      readonly key: string;
      readonly type: Datatype<unknown>;
    }
  | { readonly event: 'SE'; readonly name: string; readonly type: ElementType<unknown> }
  | { readonly event: 'CH'; readonly type: Datatype<unknown> };

/** Has an event code, and is an error. */
interface Refused {
  readonly event: 'refused';
  /** Of the schema, such as `SE(KeyInfo)`. */
  readonly what: string;
  readonly code: ExiErrorCode;
}

declare const valueOfType: unique symbol;

/** An element's type; its values are of type `T`. */
export interface ElementType<T> {
  readonly [valueOfType]?: T;
  readonly start: State;
  readonly parts: readonly AnyPart[];
  /** The value is that of the only part, instead of an object with a field for each part. */
  readonly wraps: boolean;
  /** Fields that every value has, and that tell it from those of other types in a choice. */
  readonly label: Readonly<Record<string, string>>;
  /** Where the value that the project uses has another shape than the element. */
  readonly shape: Shape | undefined;
  /** Makes the object that fields are read into. */
  readonly Fields: FieldsConstructor;
}

type FieldsConstructor = new () => Record<string, unknown>;

interface Shape {
  toValue(parts: unknown): unknown;
  toParts(value: unknown): unknown;
}

interface AnyPart {
  readonly field: string;
  readonly entries: readonly (Entry | Refused)[];
  readonly min: number;
  readonly max: number;
  /** Of the grammar: whether there is no limit to repetition, as `max` is evpki's own. */
  readonly unbounded: boolean;
  readonly repeated: boolean;
}

/** A part that becomes a field of type `T`. */
export interface Part<T, Presence extends 'required' | 'optional' = 'required'>
  extends Omit<AnyPart, 'field'> {
  readonly [valueOfType]?: [T, Presence];
}

/** A part for each field of `T`, in the order of the schema. */
type Parts<T> = {
  readonly [K in keyof T]-?: Part<
    Exclude<T[K], undefined>,
    T extends Record<K, T[K]> ? 'required' : 'optional'
  >;
};

const once = { min: 1, max: 1, unbounded: false, repeated: false };
const atMostOnce = { ...once, min: 0 };

/** @param prefix of the namespace, where the name occurs in several */
export const attribute = <T>(name: string, type: Datatype<T>, prefix = ''): Part<T> => ({
  entries: [attributeEntry(name, type, prefix)],
  ...once,
});

export const optionalAttribute = <T>(
  name: string,
  type: Datatype<T>,
  prefix = '',
): Part<T, 'optional'> => ({ entries: [attributeEntry(name, type, prefix)], ...atMostOnce });

const attributeEntry = <T>(name: string, type: Datatype<T>, prefix: string): Entry => ({
  event: 'AT',
  name,
  step: `@${name}`,
  key: `${prefix}@${name}`,
  type,
});

/** The content of an element that holds a value. */
export const content = <T>(type: Datatype<T>): Part<T> => ({
  entries: [{ event: 'CH', type }],
  ...once,
});

/** The type of an element is that of a value where it has neither attributes nor elements. */
type AnyType<T> = ElementType<T> | Datatype<T>;

export const element = <T>(name: string, type: AnyType<T>): Part<T> => ({
  entries: [elementEntry(name, type)],
  ...once,
});

export const optional = <T>(name: string, type: AnyType<T>): Part<T, 'optional'> => ({
  entries: [elementEntry(name, type)],
  ...atMostOnce,
});

/** From `min` to `max` of an element, one after the other. */
export const repeated = <T>(
  name: string,
  type: AnyType<T>,
  min: number,
  max: number,
): Part<readonly T[]> => ({
  entries: [elementEntry(name, type)],
  min,
  max,
  unbounded: false,
  repeated: true,
});

/** At least one of an element; the schema has no limit, evpki has `max`. */
export const unbounded = <T>(name: string, type: AnyType<T>, max: number): Part<readonly T[]> => ({
  ...repeated(name, type, 1, max),
  unbounded: true,
});

const elementEntry = <T>(name: string, type: AnyType<T>): Entry => ({
  event: 'SE',
  name,
  type: 'start' in type ? type : wrapper(content(type)),
});

/** One of several elements, told apart by the labels of their types. */
export const choice = <T>(...entries: readonly Alternative<T>[]): Part<T> => ({
  entries: entries.map(({ entry }) => entry),
  ...once,
});

export interface Alternative<T> {
  readonly [valueOfType]?: T;
  readonly entry: Entry | Refused;
}

export const alternative = <T>(name: string, type: ElementType<T>): Alternative<T> => ({
  entry: elementEntry(name, type),
});

/** An element of the schema that nobody may send, or not to us. */
export const refused = (what: string, code: ExiErrorCode): Alternative<never> => ({
  entry: { event: 'refused', what, code },
});

/** What else the schema has before the end of an element; all of it is refused. */
interface Forbidden {
  /** Names of elements; `*` is any. */
  readonly elements: readonly string[];
  /** Whether text may stand between the elements. */
  readonly mixed?: boolean;
}

/** The type of an element whose value is an object. */
export const complex = <T extends object>(
  parts: Parts<T>,
  forbidden?: Forbidden,
): ElementType<T> => {
  const named = Object.entries<Omit<AnyPart, 'field'>>(parts).map(([field, part]) =>
    partOf(field, part),
  );
  return typeOf({ start: startOf(named, forbidden), parts: named, wraps: false });
};

/** The type of an element that is nothing but its only part. */
export const wrapper = <T>(
  part: Part<T, 'required' | 'optional'>,
  forbidden?: Forbidden,
): ElementType<T> => {
  const parts = [partOf('value', part)];
  return typeOf({ start: startOf(parts, forbidden), parts, wraps: true });
};

/** `type`, with fields in its values that say which of several types it is. */
export const labelled = <const L extends Readonly<Record<string, string>>, T>(
  label: L,
  type: ElementType<T>,
): ElementType<L & T> => typeOf(type, label);

/** `type`, with values of another shape. */
export const shaped = <T, V>(
  type: ElementType<T>,
  toValue: (parts: T) => V,
  toParts: (value: V) => T,
): ElementType<V> => {
  const shape: Shape = {
    toValue: (values) => toValue(values as T),
    toParts: (value) => toParts(value as V),
  };
  return typeOf(type, type.label, shape);
};

// All parts are objects of one form, all types and all productions are. The interpreter reads their
// properties for each bit of a message, and is slow where these are elsewhere in each object.

const partOf = (field: string, part: Omit<AnyPart, 'field'>): AnyPart => ({
  field,
  entries: part.entries,
  min: part.min,
  max: part.max,
  unbounded: part.unbounded,
  repeated: part.repeated,
});

function typeOf(
  {
    start,
    parts,
    wraps,
    shape: own,
  }: Pick<ElementType<unknown>, 'start' | 'parts' | 'wraps'> & {
    readonly shape?: Shape | undefined;
  },
  label: Readonly<Record<string, string>> = {},
  shape = own,
): ElementType<never> {
  return { start, parts, wraps, label, shape, Fields: fieldsOf() };
}

/**
 * A constructor of plain objects for one type. What `{}` makes gets its hidden class from a table
 * that the whole process shares, headers and JSON that clients send included; where it is full, each
 * object gets one of its own.
 */
function fieldsOf(): FieldsConstructor {
  function Fields() {}
  Fields.prototype = Object.prototype;
  return Fields as unknown as FieldsConstructor;
}

function productionOf(given: Production): Production {
  const { event, part, next, name, step, key, type, what, code } = given as AnyProduction;
  return { event, part, next, name, step, key, type, what, code } as Production;
}

type AnyProduction = { readonly event: Production['event'] } & Partial<
  Record<'part' | 'next' | 'name' | 'step' | 'key' | 'type' | 'what' | 'code', unknown>
>;

/**
 * What a document may be.
 * @param count how many elements the schema has for that
 * @param known those among them that have a name here, by their event codes
 */
export const globalElements = (
  count: number,
  known: Readonly<Record<number, Alternative<unknown>>>,
): State => ({
  productions: startOf(
    [
      partOf('value', {
        entries: Array.from(
          { length: count },
          (_, code) =>
            (known[code] ?? refused(`element ${code} of the schema`, 'other-message')).entry,
        ),
        ...once,
      }),
    ],
    undefined,
  ).productions,
  // A document has no code that leaves the schema.
  width: Math.ceil(Math.log2(count)),
  end: -1,
});

/** The states of a type, of which the first is returned and leads to all others. */
function startOf(parts: readonly AnyPart[], forbidden: Forbidden | undefined): State {
  const states = new Map<string, State>();
  const end: Production[] = [
    ...(forbidden?.elements ?? []).map((name) => refuse(`SE(${name})`)),
    productionOf({ event: 'EE' }),
    ...(forbidden?.mixed ? [refuse('CH')] : []),
  ];
  /** Where `count` of part number `index` have come. */
  const stateAt = (index: number, count: number): State => {
    const known = states.get(`${index} ${count}`);
    if (known) return known;
    const productions: Production[] = [];
    const state = { productions, width: 0, end: -1 };
    states.set(`${index} ${count}`, state);
    const part = parts[index];
    if (!part) {
      productions.push(...end);
    } else {
      if (part.unbounded || count < part.max) {
        // Where there is no limit, the state after the least number is that after any more.
        const after = part.unbounded ? Math.min(count + 1, part.min) : count + 1;
        const next = stateAt(index, after);
        for (const entry of part.entries) {
          productions.push(
            productionOf(entry.event === 'refused' ? entry : { ...entry, part, next }),
          );
        }
      }
      if (count >= part.min) productions.push(...stateAt(index + 1, 0).productions);
    }
    state.width = Math.ceil(Math.log2(productions.length + 1));
    state.end = productions.findIndex(({ event }) => event === 'EE');
    return state;
  };
  return stateAt(0, 0);
}

const refuse = (what: string): Production =>
  productionOf({ event: 'refused', what, code: 'not-supported' });
