/** Prints EXI grammars state by state: what may come, with which code, and where it leads. */

import {
  type ElementType,
  isOfValue,
  type Production,
  type State,
} from '../../src/iso15118/exi/grammar.ts';

/**
 * A line for each state of each type of element that a document can hold, in the order in which they
 * are met: `n` productions, the bits of an event code, and the productions by their codes. Elements
 * that hold a value and nothing else are left out: their states are `0:CH` and `0:EE`.
 */
export function listing(document: State): string {
  const lines: string[] = [];
  const seen = new Set<ElementType<unknown>>();
  const visit = (name: string, type: ElementType<unknown>): void => {
    if (seen.has(type)) return;
    seen.add(type);
    const states: State[] = [type.start];
    const start = lines.push(name) - 1;
    const children: [string, ElementType<unknown>][] = [];
    for (let i = 0; i < states.length; i++) {
      const { productions, width } = states[i] as State;
      const events = productions.map((production, code) => {
        if (!isOfValue(production)) return `${code}:${eventOf(production)}`;
        if (!states.includes(production.next)) states.push(production.next);
        if (production.event === 'SE') children.push([production.name, production.type]);
        return `${code}:${eventOf(production)}->${states.indexOf(production.next)}`;
      });
      lines.push(`  ${i} n=${productions.length} bits=${width}: ${events.join(', ')}`);
    }
    if (lines.slice(start + 1).join() === simple) lines.length = start;
    for (const [childName, childType] of children) visit(childName, childType);
  };
  for (const production of document.productions) {
    if (production.event === 'SE') visit(production.name, production.type);
  }
  return lines.join('\n');
}

const simple = '  0 n=1 bits=1: 0:CH->1,  1 n=1 bits=1: 0:EE';

function eventOf(production: Production): string {
  switch (production.event) {
    case 'AT':
    case 'SE':
      return `${production.event}(${production.name})`;
    case 'refused':
      return `refused ${production.what}`;
    default:
      return production.event;
  }
}
