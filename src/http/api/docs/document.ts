/** The parts of an OpenAPI document that its page shows. */

export interface OpenApi {
  readonly info: { readonly title: string; readonly version: string } & Described;
  readonly servers?: readonly ({ readonly url: string } & Described)[];
  readonly tags?: readonly ({ readonly name: string } & Described)[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject | undefined>>>>;
  readonly components?: {
    readonly schemas?: Readonly<Record<string, Schema>>;
    readonly securitySchemes?: Readonly<Record<string, { readonly type: string } & Described>>;
  };
}

export interface Described {
  readonly summary?: string;
  readonly description?: string;
}

export interface Reference {
  readonly $ref: string;
}

export interface OperationObject extends Described {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly 'x-evpki-action'?: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: Body | Reference;
  readonly responses?: Readonly<Record<string, Answer | Reference>>;
}

export interface Parameter extends Described {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

interface Body extends Described {
  readonly content?: Readonly<Record<string, Media>>;
}

interface Answer extends Body {
  readonly headers?: Readonly<Record<string, Described>>;
}

export interface Media {
  readonly schema?: Schema;
  readonly examples?: Readonly<Record<string, Example | Reference>>;
}

export interface Example extends Described {
  readonly value?: unknown;
}

export interface Schema extends Described {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

/**
 * What a place of the document says, looked up where it refers to another place of it.
 * @throws Error for a reference that leads nowhere
 */
export function resolved<T extends object>(document: OpenApi, value: T | Reference): T {
  if (!('$ref' in value) || typeof value.$ref !== 'string') return value as T;
  let found: unknown = document;
  for (const name of value.$ref.replace(/^#\//, '').split('/')) {
    found = (found as Record<string, unknown> | undefined)?.[name];
  }
  if (typeof found !== 'object' || found === null) {
    throw new Error(`openapi.yaml refers to ${value.$ref}, which is not there`);
  }
  return resolved<T>(document, found as T);
}
