/**
 * A reader of XML for documents that hold a V2G message and nothing else: elements, attributes,
 * namespaces (Namespaces in XML 1.0) and text. What such a document does not need, and what readers
 * of XML are attacked with, is refused: a document type, entities of its own, processing
 * instructions, comments and CDATA sections.
 */

import { isXmlCharacter } from '../exi/characters.ts';

/** Characters of a document: the largest message has about 20,000, in one line. */
const MAX_CHARACTERS = 65_536;
const MAX_ELEMENTS = 256;
const MAX_DEPTH = 16;
const MAX_ATTRIBUTES = 16;

export interface XmlElement {
  /** Empty where there is none. */
  readonly namespace: string;
  readonly name: string;
  /** By {@link expandedName}; declarations of namespaces are none. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All text directly in it, with the white space. */
  readonly text: string;
}

/** Octets that are no such document. The message has the position, in characters. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

export const expandedName = (namespace: string, name: string): string => `{${namespace}}${name}`;

/** Names are short, so that what is wrong can be said with them; those of the messages are. */
const declaration = /\uFEFF?<\?xml[ \t\r\n]([^<>?]*)\?>/y;
const declaredEncoding = /encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']/;
const blank = /[ \t\r\n]*/y;
const text = /[^<]+/y;
const endTag = /<\/([A-Za-z_][\w.-]{0,63}(?::[A-Za-z_][\w.-]{0,63})?)[ \t\r\n]*>/y;
const tagStart = /<([A-Za-z_][\w.-]{0,63}(?::[A-Za-z_][\w.-]{0,63})?)/y;
const attribute =
  /[ \t\r\n]+([A-Za-z_][\w.-]{0,63}(?::[A-Za-z_][\w.-]{0,63})?)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y;
const tagEnd = /[ \t\r\n]*(\/?)>/y;
const entities: Readonly<Record<string, string>> = {
  ...{ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" },
};

type Scope = ReadonlyMap<string, string>;

/** An element that has not ended. */
interface Open {
  /** As it is written, with its prefix. */
  readonly tag: string;
  readonly scope: Scope;
  readonly namespace: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/**
 * The root element of a document in UTF-8.
 * @throws XmlError
 */
export function readXml(octets: Uint8Array): XmlElement {
  return new Reader(decoded(octets)).document();
}

function decoded(octets: Uint8Array): string {
  if (octets.length > 4 * MAX_CHARACTERS) throw new XmlError('is too long');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    throw new XmlError('is not UTF-8');
  }
}

class Reader {
  readonly #source: string;
  #at = 0;
  #elements = 0;

  constructor(source: string) {
    this.#source = source;
    if (source.length > MAX_CHARACTERS) {
      throw this.#error(`has ${source.length} characters, more than ${MAX_CHARACTERS}`);
    }
    for (const character of source) {
      const codePoint = character.codePointAt(0) ?? 0;
      if (codePoint !== 0xfeff && !isXmlCharacter(codePoint)) {
        throw this.#error('has a character that XML does not have');
      }
    }
  }

  document(): XmlElement {
    const [, declared] = this.#next(declaration) ?? [];
    const encoding = declaredEncoding.exec(declared ?? '')?.[1];
    if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') {
      throw this.#error('says that it is in another encoding than UTF-8');
    }
    this.#next(blank);
    const root = this.#root();
    this.#next(blank);
    if (this.#at < this.#source.length) throw this.#error('goes on behind its last element');
    return root;
  }

  /** Without recursion: how deep elements are nested is for whoever has written them. */
  #root(): XmlElement {
    const open: Open[] = [];
    for (;;) {
      const parent = open.at(-1);
      const [content] = (parent && this.#next(text)) ?? [];
      if (parent && content !== undefined) parent.text += this.#resolved(content);
      const [, ended] = this.#next(endTag) ?? [];
      let done: Open | undefined;
      if (ended !== undefined) {
        done = open.pop();
        if (done?.tag !== ended) throw this.#error(`ends ${ended}, which is not open here`);
      } else {
        const started = this.#startTag(parent?.scope ?? new Map());
        if (!started.isEmpty) {
          if (open.length === MAX_DEPTH) throw this.#error(`is nested deeper than ${MAX_DEPTH}`);
          open.push(started.element);
          continue;
        }
        done = started.element;
      }
      const { namespace, name, attributes, children, text: all } = done;
      const element = { namespace, name, attributes, children, text: all };
      const above = open.at(-1);
      if (!above) return element;
      above.children.push(element);
    }
  }

  #startTag(outer: Scope): { readonly element: Open; readonly isEmpty: boolean } {
    const [, tag] = this.#next(tagStart) ?? [];
    if (tag === undefined) throw this.#error('has something else than an element');
    this.#elements += 1;
    if (this.#elements > MAX_ELEMENTS) throw this.#error(`has more than ${MAX_ELEMENTS} elements`);
    const written = this.#attributes();
    const [, slash] = this.#next(tagEnd) ?? [];
    if (slash === undefined) throw this.#error(`has no end of the tag ${tag}`);
    const scope = this.#scope(outer, written);
    const attributes = new Map<string, string>();
    for (const [name, value] of written) {
      if (isDeclaration(name)) continue;
      const expanded = name.includes(':')
        ? expandedName(...this.#resolvedName(name, scope))
        : expandedName('', name);
      if (attributes.has(expanded)) throw this.#error(`has ${name} twice`);
      attributes.set(expanded, value);
    }
    const [namespace, name] = this.#resolvedName(tag, scope);
    const element = { tag, scope, namespace, name, attributes, children: [], text: '' };
    return { element, isEmpty: slash !== '' };
  }

  #attributes(): ReadonlyMap<string, string> {
    const written = new Map<string, string>();
    for (;;) {
      const found = this.#next(attribute);
      const [, name, quoted, single = ''] = found ?? [];
      if (name === undefined) return written;
      if (written.has(name)) throw this.#error(`has ${name} twice`);
      if (written.size === MAX_ATTRIBUTES) {
        throw this.#error(`has more than ${MAX_ATTRIBUTES} attributes in one element`);
      }
      // White space in attributes is normalized (XML 1.0, 3.3.3).
      written.set(name, this.#resolved((quoted ?? single).replace(/[\t\r\n]/g, ' ')));
    }
  }

  #scope(outer: Scope, written: ReadonlyMap<string, string>): Scope {
    if (![...written.keys()].some(isDeclaration)) return outer;
    const scope = new Map(outer);
    for (const [name, value] of written) {
      if (!isDeclaration(name)) continue;
      const prefix = name === 'xmlns' ? '' : name.slice('xmlns:'.length);
      if (prefix !== '' && (value === '' || /^xml/i.test(prefix))) {
        throw this.#error(`declares ${name}, which cannot be`);
      }
      scope.set(prefix, value);
    }
    return scope;
  }

  #resolvedName(written: string, scope: Scope): readonly [namespace: string, name: string] {
    const colon = written.indexOf(':');
    const prefix = colon < 0 ? '' : written.slice(0, colon);
    const namespace = scope.get(prefix);
    if (namespace === undefined && prefix !== '') {
      throw this.#error(`does not declare the prefix ${prefix}`);
    }
    return [namespace ?? '', written.slice(colon + 1)];
  }

  #resolved(written: string): string {
    return written.replace(/&[^&;]{0,10};?/g, (reference) => {
      const character = entities[reference];
      if (character === undefined) throw this.#error('has an entity that XML itself does not have');
      return character;
    });
  }

  #next(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (!found) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }

  #error(problem: string): XmlError {
    return new XmlError(`${problem} (at character ${this.#at})`);
  }
}

const isDeclaration = (name: string): boolean => name === 'xmlns' || name.startsWith('xmlns:');
