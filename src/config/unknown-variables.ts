/** Environment variables that look like settings and are none. */

import { type DeclarationError, suggestion } from '../pki/declaration-errors.ts';
import { settingRows } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const variables: readonly string[] = settingRows.flatMap(([, row]) =>
  row.secret === undefined ? [row.env] : [row.env, `${row.env}_FILE`],
);

/** Variables of ours that are not settings of the service. */
const elsewhere = [
  /^EVPKI_CLIENT_/, // what the command line talks to
  /^EVPKI_REQUIRE$/, // which tools the tests may not do without
];

// Kubernetes describes every service of the namespace in the environment of every container; one
// called `evpki` or `evpki-...` must not keep the process from starting.
const ofKubernetes = [
  /^EVPKI_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)$/,
  /^EVPKI_(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/,
];
const serviceLink = /^(tcp|udp|sctp):\/\//;

/** An error with a suggestion for each EVPKI_ variable that no part of evpki knows. */
export function unknownVariables(env: Environment): readonly DeclarationError[] {
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith('EVPKI_') && value !== undefined)
    .filter(([name]) => !variables.includes(name))
    .filter(([name]) => ![...elsewhere, ...ofKubernetes].some((known) => known.test(name)))
    .filter(([name, value = '']) => !(name.endsWith('_PORT') && serviceLink.test(value)))
    .map(([name]) => ({
      source: 'environment',
      path: name,
      message: `is not a setting${suggestion(name, variables)}`,
    }));
}
