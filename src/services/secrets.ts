/**
 * Secrets that evpki draws: 256 random bits behind a prefix by which secret scanners find leaked
 * ones. They are shown once; a plain SHA-256 is stored in their place, which is enough for what
 * nobody could have chosen.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from './serial-numbers.ts';

/** Of the first start, of an API client, or of one enrolment. */
type SecretKind = 'boot' | 'sec' | 'enr';

export const newSecret = (kind: SecretKind, random: RandomBytes): string =>
  `evpki_${kind}_${Buffer.from(random(32)).toString('base64url')}`;

/** Whether a text has the form of such a secret. */
export const isSecret = (kind: SecretKind, text: string): boolean =>
  text.startsWith(`evpki_${kind}_`) && /^[\w-]{43}$/.test(text.slice(`evpki_${kind}_`.length));

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Compares two hashes in the same time whatever they are. */
export const sameHash = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
