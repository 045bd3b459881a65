/** Reads what operators declare in files: profiles, the access policy, hierarchies; and openapi.yaml. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import type { DeclarationError } from './pki/declaration-errors.ts';
import type { Profile } from './pki/profile.ts';
import { parseProfiles } from './pki/profile-file.ts';
import { checkProfileSet } from './pki/profile-set.ts';
import {
  type AccessPolicy,
  type ProposableAction,
  parseAccessPolicy,
} from './services/access-policy.ts';
import { type EstDeclarations, parseEstDeclarations } from './services/est-declarations.ts';
import { type Hierarchy, parseHierarchy } from './services/hierarchies.ts';

/** Where the package's own files are: `policies/`, `ca/`, `openapi.yaml`. */
const packageRoot = fileURLToPath(new URL('..', import.meta.url));

const ACCESS_FILE = 'access.yaml';
const EST_FILE = 'est.yaml';

/** Files with errors; the message lists all of them, one to a line. */
export class DeclarationsInvalid extends Error {
  override readonly name = 'DeclarationsInvalid';
  readonly errors: readonly DeclarationError[];

  constructor(errors: readonly DeclarationError[]) {
    super(errors.map(({ source, path, message }) => `${source}: ${path} ${message}`).join('\n'));
    this.errors = errors;
  }
}

export interface Policies {
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  /** What takes effect once a second person agrees. */
  readonly secondPerson: ReadonlySet<ProposableAction>;
  readonly est: EstDeclarations;
}

/**
 * Reads a folder of policies: `access.yaml`, `est.yaml` if there is one, and one profile in every
 * other file.
 * @param named from the working directory; the package's own without
 * @throws DeclarationsInvalid with every error of every file
 */
export function loadPolicies(named?: string): Policies {
  const folder = named === undefined ? join(packageRoot, 'policies') : resolve(named);
  const sourceOf = (name: string) => join(named ?? 'policies', name);
  const errors: DeclarationError[] = [];
  const profiles: Profile[] = [];
  let access: AccessPolicy = new Map();
  let secondPerson: Policies['secondPerson'] = new Set();
  let estDocument: unknown;
  const names = namesIn(folder, sourceOf(''), errors);
  if (errors.length === 0 && !names.includes(ACCESS_FILE)) {
    errors.push({
      source: sourceOf(ACCESS_FILE),
      path: '',
      message: 'is missing: nobody has roles',
    });
  }
  for (const name of names) {
    const source = sourceOf(name);
    const document = readYaml(join(folder, name), source, errors);
    if (document === undefined) continue;
    if (name === ACCESS_FILE) {
      const result = parseAccessPolicy(document, source);
      if (result.ok) ({ policy: access, secondPerson } = result);
      else errors.push(...result.errors);
    } else if (name === EST_FILE) {
      estDocument = document;
    } else {
      const result = parseProfiles(basename(name, '.yaml'), document, source);
      if (result.ok) profiles.push(...result.profiles);
      else errors.push(...result.errors);
    }
  }
  errors.push(...checkProfileSet(profiles));
  const byName = new Map(profiles.map((profile) => [profile.name, profile]));
  // Once all profiles are there: it names some of them.
  const est = parseEstDeclarations(estDocument ?? {}, sourceOf(EST_FILE), byName);
  if (!est.ok) errors.push(...est.errors);
  if (!est.ok || errors.length > 0) throw new DeclarationsInvalid(errors);
  return { profiles: byName, access, secondPerson, est: est.est };
}

/**
 * Reads a hierarchy, from the working directory or, failing that, from the package.
 * @throws DeclarationsInvalid with every error of the file
 */
export function loadHierarchy(file: string, profiles: ReadonlyMap<string, Profile>): Hierarchy {
  const here = resolve(file);
  const path = isAbsolute(file) || existsSync(here) ? here : join(packageRoot, file);
  const errors: DeclarationError[] = [];
  const document = readYaml(path, file, errors);
  if (document === undefined) throw new DeclarationsInvalid(errors);
  const result = parseHierarchy(document, file, profiles);
  if (!result.ok) throw new DeclarationsInvalid(result.errors);
  return result.hierarchy;
}

/** The openapi.yaml of the package as it is written. */
export const loadApiText = (): string => readFileSync(join(packageRoot, 'openapi.yaml'), 'utf8');

/** It is a part of the program, which does not change while it runs. */
let apiDocument: string | undefined;

/** The parsed openapi.yaml of the package; everybody has one of his own. */
export function loadApiDocument(): unknown {
  apiDocument ??= JSON.stringify(readApiDocument());
  // The validator changes the document; what YAML anchors share must be separate by then.
  return JSON.parse(apiDocument);
}

function readApiDocument(): unknown {
  const errors: DeclarationError[] = [];
  const document = readYaml(join(packageRoot, 'openapi.yaml'), 'openapi.yaml', errors);
  if (document === undefined) throw new DeclarationsInvalid(errors);
  return document;
}

/** The YAML files of a folder in alphabetical order; none, with the reason in `errors`. */
function namesIn(folder: string, source: string, errors: DeclarationError[]): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    errors.push({ source, path: '', message: `cannot be read (${code})` });
    return [];
  }
}

/** The parsed file, or undefined with the reasons added to `errors`. */
function readYaml(path: string, source: string, errors: DeclarationError[]): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    errors.push({ source, path: '', message: `cannot be read (${code})` });
    return undefined;
  }
  const document = parseDocument(text, { prettyErrors: true });
  for (const { message } of document.errors) errors.push({ source, path: '', message });
  if (document.errors.length > 0) return undefined;
  return document.toJS() ?? {};
}
