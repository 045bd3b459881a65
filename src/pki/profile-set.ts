/** What profiles owe each other: who issues whom, within which limits. */

import type { DeclarationError } from './declaration-errors.ts';
import { suggestion } from './declaration-errors.ts';
import type { Profile } from './profile.ts';

/**
 * Checks profiles as a set: names are unique, every issuer that is named exists and is an
 * authority, and what it may issue fits below it: path lengths fall (RFC 5280 4.2.1.9), extended
 * key usages nest, and a leaf's shortest validity is possible. The `source` of an error is the
 * name of the profile at fault. Empty when nothing is wrong.
 */
export function checkProfileSet(profiles: readonly Profile[]): DeclarationError[] {
  const byName = new Map<string, Profile>();
  const errors: DeclarationError[] = [];
  for (const profile of profiles) {
    if (byName.has(profile.name)) {
      errors.push({ source: profile.name, path: '', message: 'is declared twice' });
    }
    byName.set(profile.name, profile);
  }
  for (const profile of profiles) {
    for (const [index, name] of profile.issuedBy.entries()) {
      const issuer = byName.get(name);
      for (const message of issuer
        ? misfits(profile, issuer)
        : [`there is no profile "${name}"${suggestion(name, [...byName.keys()])}`]) {
        errors.push({ source: profile.name, path: `issuedBy[${index}]`, message });
      }
    }
  }
  return errors;
}

function misfits(profile: Profile, issuer: Profile): string[] {
  const constraints = issuer.extensions.basicConstraints;
  if (!constraints?.ca) return [`${issuer.name} is not the profile of an authority`];
  const found: string[] = [];
  const own = profile.extensions.basicConstraints;
  if (own?.ca && constraints.pathLength !== undefined) {
    if (own.pathLength === undefined || own.pathLength >= constraints.pathLength) {
      const said = own.pathLength ?? 'none';
      found.push(
        `a pathLength of ${said} does not fit below ${issuer.name} with ${constraints.pathLength}`,
      );
    }
  }
  // OCSPSigning in an authority is a purpose of its own key and constrains nothing below it.
  const limits = issuer.extensions.extendedKeyUsage?.purposes.filter(
    (purpose) => purpose !== 'OCSPSigning',
  );
  if (limits && limits.length > 0) {
    const purposes = profile.extensions.extendedKeyUsage?.purposes ?? ['any purpose'];
    const outside = purposes.filter((purpose) => !limits.includes(purpose));
    if (outside.length > 0) {
      found.push(`${issuer.name} certifies for ${limits.join(', ')}, not ${outside.join(', ')}`);
    }
  }
  if (profile.validity.minimum > issuer.validity.maximum) {
    found.push(`the minimum validity is longer than ${issuer.name} can last`);
  }
  return found;
}
