/**
 * Every setting of evpki, once. The typed configuration, the checks, the table of the README and
 * `evpki config show` all come from this table: a new setting is one row.
 */

import type { z } from 'zod';
import {
  baseUrl,
  count,
  databaseUrl,
  headerName,
  hostRules,
  instant,
  listenHost,
  oneOf,
  passphrase,
  port,
  portOrOff,
  rate,
  text,
} from './setting-types.ts';

export interface Setting {
  /** The environment variable; the row's own key is its name in the YAML file. */
  readonly env: `EVPKI_${string}`;
  readonly type: z.ZodType;
  /** As one would write it in the environment; `{dataDir}` stands for that setting. */
  readonly default?: string;
  /** One sentence for the README, in Markdown. */
  readonly description: string;
  /**
   * `whole`: never shown. `password`: a URL, shown without its password. Both may also be read
   * from a file: `EVPKI_X_FILE`, or `xFile` in YAML.
   */
  readonly secret?: 'whole' | 'password';
  /** Only in the environment, because it says where the file is. */
  readonly notInFile?: true;
}

export const settings = {
  configFile: {
    env: 'EVPKI_CONFIG',
    type: text,
    notInFile: true,
    description: 'A YAML file with settings; the environment takes precedence over it.',
  },
  dataDir: {
    env: 'EVPKI_DATA_DIR',
    type: text,
    default: './data',
    description: 'Folder for what evpki itself writes; one process at a time uses it.',
  },
  databaseUrl: {
    env: 'EVPKI_DATABASE_URL',
    type: databaseUrl,
    default: 'sqlite:{dataDir}/evpki.sqlite',
    secret: 'password',
    description: 'The database: `sqlite:<path>` or `postgres://user@host/database`.',
  },
  hierarchy: {
    env: 'EVPKI_HIERARCHY',
    type: text,
    default: 'ca/demo.yaml',
    description: 'The declaration of organizations and authorities to start with.',
  },
  policies: {
    env: 'EVPKI_POLICIES',
    type: text,
    description:
      'A folder of profiles, roles and labels of EST in place of the `policies/` that evpki comes with, complete: a copy with changes of your own.',
  },
  host: {
    env: 'EVPKI_HOST',
    type: listenHost,
    default: '127.0.0.1',
    description: 'Address that all doors listen on; `0.0.0.0` or `::` for every interface.',
  },
  publicUrl: {
    env: 'EVPKI_PUBLIC_URL',
    type: baseUrl,
    description:
      'URL under which everybody reaches OCSP, CRLs and issuer certificates; it is written into certificates and kept per issuer. Needed unless the hierarchy is a demo.',
  },
  apiUrl: {
    env: 'EVPKI_API_URL',
    type: baseUrl,
    description: 'URL under which clients reach the API, when it is not where it listens.',
  },
  publicPort: {
    env: 'EVPKI_PUBLIC_PORT',
    type: port,
    default: '8180',
    description: 'Port of OCSP, CRLs, issuer certificates and health (HTTP).',
  },
  apiPort: {
    env: 'EVPKI_API_PORT',
    type: port,
    default: '8543',
    description: 'Port of the REST API (HTTPS).',
  },
  apiTlsAuthority: {
    env: 'EVPKI_API_TLS_AUTHORITY',
    type: text,
    default: 'instance-ca',
    description:
      "The authority that certifies the API's own TLS key; its profile must be one that `api-server` names.",
  },
  apiTlsCertificate: {
    env: 'EVPKI_API_TLS_CERTIFICATE',
    type: text,
    description:
      'Instead: a PEM file with the TLS certificate of the API and those above it, leaf first; read again when it changes.',
  },
  apiTlsKey: {
    env: 'EVPKI_API_TLS_KEY',
    type: text,
    description: 'The PEM file with its private key, not encrypted.',
  },
  proxyCertificates: {
    env: 'EVPKI_PROXY_CERTIFICATES',
    type: text,
    description:
      'A PEM file with the TLS client certificates of the proxies that may pass on those of API clients, one or more for each; read again when it changes.',
  },
  proxyHeader: {
    env: 'EVPKI_PROXY_HEADER',
    type: headerName,
    default: 'Client-Cert',
    description:
      'The header in which they do so (RFC 9440, or PEM or base64 as docs/client-certificates.md shows), and with `-Chain` behind it the one of the certificates above. From anybody else it is refused.',
  },
  blockedKeys: {
    env: 'EVPKI_BLOCKED_KEYS',
    type: text,
    description:
      "A file of keys that are never certified, such as Debian's weak ones: the SHA-256 of a SubjectPublicKeyInfo in hexadecimal to a line.",
  },
  metricsPort: {
    env: 'EVPKI_METRICS_PORT',
    type: portOrOff,
    default: '9464',
    description: 'Port of the metrics for Prometheus (HTTP), always on 127.0.0.1; `off` for none.',
  },
  keyPassphrase: {
    env: 'EVPKI_KEY_PASSPHRASE',
    type: passphrase,
    secret: 'whole',
    description:
      'Passphrase that protects the private keys in the database, at least 12 characters. Needed unless the hierarchy is a demo.',
  },
  clientRate: {
    env: 'EVPKI_CLIENT_RATE',
    type: rate,
    default: '500',
    description:
      'Requests a second that an API client may make, each for enrolment, revocation, OCPP status and everything else, and 60 times that at once; 0 for no limit.',
  },
  addressRate: {
    env: 'EVPKI_ADDRESS_RATE',
    type: rate,
    default: '20',
    description:
      'Requests a second without valid credentials, `/oauth/token` among them, that may come from one address (IPv6: /64), and 60 times that at once; 0 for no limit. Behind a proxy all come from one.',
  },
  addressConnections: {
    env: 'EVPKI_ADDRESS_CONNECTIONS',
    type: count,
    default: '200',
    description:
      'Connections that one address (IPv6: /64) may have open at a time to the API, and as many to the public port, of 2,000 in all; 0 for no limit. Behind a proxy all come from one.',
  },
  ocspHex: {
    env: 'EVPKI_OCSP_HEX',
    type: oneOf('on', 'off'),
    default: 'on',
    description:
      'Whether OCSP requests in ASCII hex are answered, in hex as well: CitrineOS up to 1.8 asks so.',
  },
  outboundHosts: {
    env: 'EVPKI_OUTBOUND_HOSTS',
    type: hostRules,
    default: '',
    description:
      'Hosts that evpki may ask for the status of certificates of others (OCSP), as those certificates name them: `ocsp.example.org`, `*.example.org` for all below it, with `:port` for one port; several with commas. Nobody is asked unless it is listed.',
  },
  outboundInternalHosts: {
    env: 'EVPKI_OUTBOUND_INTERNAL_HOSTS',
    type: hostRules,
    default: '',
    description:
      'Hosts that evpki may ask although their addresses are not public, such as receivers of webhooks: `hooks.example.org`, `*.example.org` for all below it, with `:port` for one port; several with commas.',
  },
  outboundCaFile: {
    env: 'EVPKI_OUTBOUND_CA_FILE',
    type: text,
    description:
      'PEM file with roots that the servers that evpki asks may have, beside those that Node.js trusts.',
  },
  clientKeys: {
    env: 'EVPKI_CLIENT_KEYS',
    type: count,
    default: '100000',
    description:
      'Idempotency-Keys that an API client may have on record at a time, each for 24 hours; 0 for no limit.',
  },
  clockPutBack: {
    env: 'EVPKI_CLOCK_PUT_BACK',
    type: instant,
    description:
      'The time that a refusal to start names, when the clock was wrong then and is right now: what is signed may be older than that. Counts once.',
  },
  logLevel: {
    env: 'EVPKI_LOG_LEVEL',
    type: oneOf('debug', 'info', 'warn', 'error'),
    default: 'info',
    description: 'The least important lines that are logged: `debug`, `info`, `warn` or `error`.',
  },
  logFormat: {
    env: 'EVPKI_LOG_FORMAT',
    type: oneOf('auto', 'json', 'pretty'),
    default: 'auto',
    description: '`json`, `pretty` for people, or `auto`: pretty on a terminal.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof settings;

type ValueOf<S extends Setting> =
  | z.output<S['type']>
  | (S extends { readonly default: string } ? never : undefined);

/** The configuration of a process: every setting, checked; undefined where it is not given. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof settings)[K]> };

/** Where a value came from. */
export type SettingSource =
  | 'default'
  | 'not set'
  | 'command line'
  | `environment ${string}`
  | `file ${string}`;

export type SettingSources = { readonly [K in SettingKey]: SettingSource };

/** The table as rows of the general type, in its order. */
export const settingRows = Object.entries(settings) as readonly [SettingKey, Setting][];
