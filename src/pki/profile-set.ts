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
    const misfit = profile.exported && leavesMisfit(byName.get(profile.exported.leaves));
    if (misfit) errors.push({ source: profile.name, path: 'exported.leaves', message: misfit });
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

/** Only what a station shows to its CSMS is left to keys that are handed out. */
function leavesMisfit(leaves: Profile | undefined): string | undefined {
  if (leaves?.kind !== 'station') return 'names a profile of the kind station';
  const purposes = leaves.extensions.extendedKeyUsage?.purposes ?? [];
  const isForClients = purposes.length === 1 && purposes[0] === 'clientAuth';
  return isForClients ? undefined : `${leaves.name} is not for clientAuth alone`;
}

function misfits(profile: Profile, issuer: Profile): string[] {
  const constraints = issuer.extensions.basicConstraints;
  if (!constraints?.ca) return [`${issuer.name} is not the profile of an authority`];
  const found: string[] = [];
  // A chain of Plug & Charge must not lead through a key that is not here.
  if (profile.exported && (issuer.kind !== 'root-ca' || issuer.anchorFor || issuer.rootType)) {
    found.push(`an exported authority stands under no root of Plug & Charge as ${issuer.name}`);
  }
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
