/**
 * What to do about a problem, in words of the command line: what the service advises is for
 * programs that call the API, and names its paths and members.
 */

import type { ErrorCode } from '../services/errors.ts';
import type { Problem, Violation } from './api-bodies.ts';

const remedies: { readonly [code in ErrorCode]?: string } = {
  'request-malformed': 'Correct what is listed; `--help` shows what the command takes.',
  'not-authenticated':
    'Log in with credentials that hold: `evpki login --client-id ID --client-secret-file FILE`.',
  'not-permitted': 'Ask an administrator for a role that permits it.',
  conflict: 'Look at it again, and decide anew.',
  'csr-refused': 'Correct what is listed and send a new request.',
  'csr-unreadable':
    'Correct what is listed, and send a new request in PEM or DER, signed by its own key, as `openssl req -new` makes it.',
  'certificate-not-renewable':
    'Have a new one issued with `evpki cert issue`, or lift the hold with `evpki cert release`.',
  'profile-unknown': 'Use a name from `evpki profile list`.',
  'authority-unknown': 'Use an id from `evpki authority list`.',
  'authority-ambiguous': 'Name one of them with `--authority`.',
  'authority-not-active': 'Use another authority, or activate it with `evpki authority activate`.',
  'authority-not-granted': 'Ask its owner for a grant: `evpki authority grant`.',
  'certificate-not-fitting':
    'Have the request of `evpki authority csr` signed again, so that what is listed is right.',
  'client-certificate-refused':
    'Correct what is listed: bring one certificate that holds and may identify a client.',
  'export-refused': 'Correct what is listed; docs/profiles.md says what is exported below what.',
  'import-refused': 'Leave out those that are listed.',
  'root-refused': 'Correct what is listed: bring the one certificate that it has signed itself.',
  'provisioning-certificate-refused':
    'Correct what is listed; a WMI is added with `evpki organization change --wmi`.',
  'emaid-not-allowed':
    'Use another EMAID; a provider is added with `evpki organization change --provider`.',
  'contract-exists': 'Renew it with `evpki contract renew`, or end it first.',
  'contract-not-active': 'Resume it with `evpki contract resume`, or create a new one.',
  'contract-external':
    'Bring a bundle for those whose bundles are brought; let evpki renew the others.',
  'bundle-refused': 'Correct what is listed, and bring the bundle again.',
  'proposal-changed': 'Look at it again with `evpki proposal show`, and decide anew.',
  'proposal-refused':
    'Reject it with `evpki proposal reject`; whoever still wants it proposes it anew.',
  'declaration-invalid': 'Correct what is listed.',
  'not-ready': 'Try again; the log of the service says what it lacks.',
};

/** The service's own advice where there is none of the command line, as for codes from the future. */
export const remedyOf = ({ code, remedy }: Problem): string =>
  Object.hasOwn(remedies, code) ? (remedies[code as ErrorCode] ?? remedy) : remedy;

/**
 * A violation with its field named as the option that filled it, if the command has one of that
 * name: options are called as the members of the API, in lower case with hyphens.
 * @param options the long names of the command's options, such as `--not-after`
 */
export function asTyped(violation: Violation, options: ReadonlySet<string>): Violation {
  const { field } = violation;
  if (field === undefined) return violation;
  const member = field.replace(/\[\d+\]|\.\d+$/g, '').replace(/^.*\./, '');
  const option = `--${member.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  // Options that can be repeated are called after one of what they list.
  const found = [option, option.replace(/s$/, '')].find((name) => options.has(name));
  return { ...violation, field: found ?? field.replace(/^(body|query|params|path)\./, '') };
}
