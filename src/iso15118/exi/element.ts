/** The interpreter: walks the grammar of an element, from bits to a value and back. */

import type { BitWriter } from './bit-writer.ts';
import type { ExiReader } from './exi-reader.ts';
import {
  type ElementType,
  isOfValue,
  type OfValue,
  type Production,
  type State,
} from './grammar.ts';

/** Reads what follows an element's start, to its end. */
function readElement(reader: ExiReader, type: ElementType<unknown>): unknown {
  const values = new type.Fields();
  for (const field in type.label) values[field] = type.label[field];
  let state = type.start;
  for (;;) {
    const production = readEvent(reader, state);
    if (production.event === 'EE') break;
    const { part } = production;
    const value = readValue(reader, production);
    if (part.repeated) {
      const list = values[part.field] as unknown[] | undefined;
      if (list === undefined) values[part.field] = [value];
      else if (list.length < part.max) list.push(value);
      else reader.fail('limit', `more than ${part.max} are not allowed`);
    } else {
      values[part.field] = value;
    }
    state = production.next;
  }
  const value = type.wraps ? values.value : values;
  return type.shape ? type.shape.toValue(value) : value;
}

type Known = Exclude<Production, { event: 'refused' }>;

/** The production that the next event code names. */
export function readEvent(reader: ExiReader, state: State): Known {
  const start = reader.bit;
  const code = reader.bits(state.width);
  const production = state.productions[code];
  if (production === undefined) {
    reader.fail('unexpected-event', `event code ${code} leaves the schema`, start);
  }
  if (production.event === 'refused') {
    const { what } = production;
    const problem =
      production.code === 'other-message'
        ? `${what} is no message about contract certificates`
        : `${what} is not supported`;
    reader.fail(production.code, problem, start);
  }
  return production;
}

export function readValue(reader: ExiReader, production: OfValue): unknown {
  switch (production.event) {
    case 'AT': {
      reader.path.push(production.step);
      const value = production.type.read(reader, production.key);
      reader.path.pop();
      return value;
    }
    case 'SE': {
      reader.path.push(production.name);
      const value = readElement(reader, production.type);
      reader.path.pop();
      return value;
    }
    case 'CH':
      return production.type.read(reader, reader.path.at(-1) ?? '');
  }
}

/** Writes what follows an element's start, and its end. */
export function writeElement(writer: BitWriter, type: ElementType<unknown>, given: unknown): void {
  const { kept } = writer;
  if (!kept?.wants(given)) {
    writeParts(writer, type, given);
    return;
  }
  const written = kept.find(type, given);
  if (written) {
    writer.copy(written.octets, written.from, written.to);
    return;
  }
  const start = writer.bit;
  writeParts(writer, type, given);
  const { octets, bit } = writer.place;
  kept.keep({ value: given, type, octets, from: bit - (writer.bit - start), to: bit });
}

function writeParts(writer: BitWriter, type: ElementType<unknown>, given: unknown): void {
  const value = type.shape ? type.shape.toParts(given) : given;
  let state = type.start;
  for (const part of type.parts) {
    const field = type.wraps ? value : (value as Record<string, unknown>)[part.field];
    if (field === undefined) continue;
    if (!part.repeated) {
      state = writeItem(writer, state, part.field, field);
      continue;
    }
    const items = field as readonly unknown[];
    if (items.length < part.min || items.length > part.max) {
      const { min, max } = part;
      writer.fail('limit', `${items.length} ${part.field}; ${min} to ${max} are allowed`);
    }
    for (const item of items) state = writeItem(writer, state, part.field, item);
  }
  if (state.end < 0) writer.fail('bad-value', 'something is missing');
  writer.bits(state.end, state.width);
}

/** Writes one occurrence of a field, and returns the state after it. */
function writeItem(writer: BitWriter, state: State, field: string, item: unknown): State {
  const index = indexFor(state, field, item);
  const production = state.productions[index];
  if (production === undefined || !isOfValue(production)) {
    writer.fail('bad-value', `${field} has no place here`);
  }
  writer.bits(index, state.width);
  writeValue(writer, production, item);
  return production.next;
}

/** Which production a field's value takes; -1 if none. */
export function indexFor({ productions }: State, field: string, value: unknown): number {
  for (let index = 0; index < productions.length; index++) {
    const production = productions[index] as Production;
    if (!isOfValue(production) || production.part.field !== field) continue;
    if (production.event !== 'SE' || carries(value, production.type.label)) return index;
  }
  return -1;
}

/** Whether a value has the fields of a label. */
function carries(value: unknown, label: Readonly<Record<string, string>>): boolean {
  for (const field in label) {
    if ((value as Record<string, unknown>)[field] !== label[field]) return false;
  }
  return true;
}

export function writeValue(writer: BitWriter, production: OfValue, value: unknown): void {
  switch (production.event) {
    case 'AT':
      writer.path.push(production.step);
      production.type.write(writer, value);
      writer.path.pop();
      return;
    case 'SE':
      writer.path.push(production.name);
      writeElement(writer, production.type, value);
      writer.path.pop();
      return;
    case 'CH':
      production.type.write(writer, value);
  }
}
