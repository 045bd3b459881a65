/**
 * Fault points: ports and transactions decorated so that this process dies at a named moment, as
 * a power cut would end it: SIGKILL, no handlers, nothing flushed. The product has no hooks.
 *
 * Every method of a decorated port is two points, `recordPending:before` and
 * `recordPending:after`; so are `writeFile` and `sync` of files. Moreover there are
 *
 * | point              | the process dies                                                    |
 * |--------------------|---------------------------------------------------------------------|
 * | `statement:before` | before any statement, the first of a transaction and COMMIT included  |
 * | `work:after`       | after a work, before its audit entries are written                   |
 * | `COMMIT:before`    | when everything is written and COMMIT is not sent                    |
 * | `COMMIT:sent`      | while the database is at it                                          |
 * | `writeFile:half`   | when the first half of a text is in its file                         |
 */

import { open } from 'node:fs/promises';
import { devNull } from 'node:os';
import type { Signer } from '../../src/pki/signer.ts';
import type { ContractKeys } from '../../src/services/contract-keys.ts';
import type { Keyring } from '../../src/services/keyring.ts';
import type { Database } from '../../src/storage/database.ts';

export interface Fault {
  readonly point: string;
  /** How often the point is passed before the process dies there: 1 for the first time. */
  readonly passing: number;
}

/** To be called at every point; returns unless it is time to die. */
export type Pass = (point: string) => void;

export function passing(fault: Fault | undefined): Pass {
  let left = fault?.passing ?? 0;
  return (point) => {
    if (point !== fault?.point) return;
    left -= 1;
    if (left > 0) return;
    process.kill(process.pid, 'SIGKILL');
    // Until the signal has arrived nothing else may happen.
    for (;;);
  };
}

type Method = (...args: unknown[]) => unknown;

/** The port with a point before and after each of its methods. */
export function decorate<T extends object>(port: T, pass: Pass): T {
  const methods = Object.entries(port).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function') return [name, member];
    const decorated: Method = async (...args) => {
      pass(`${name}:before`);
      const result = await (member as Method).apply(port, args);
      pass(`${name}:after`);
      return result;
    };
    return [name, decorated];
  });
  return Object.fromEntries(methods) as T;
}

/**
 * The keyring, whose signers have the points `sign:before` and `sign:after`.
 * @param signing is told what is about to be signed
 */
export function decorateKeyring(
  keyring: Keyring,
  pass: Pass,
  signing?: (message: Uint8Array) => void,
): Keyring {
  const { generate, open } = decorate(keyring, pass);
  return {
    generate,
    open: async (...args) => {
      const signer = await open(...args);
      const sign = (message: Uint8Array) => {
        signing?.(message);
        return signer.sign(message);
      };
      const decorated = decorate({ ...signer, sign }, pass);
      // To whom it dies in, one way of signing is as good as the other.
      const signPieces: Signer['signPieces'] = async (pieces) => {
        pass('sign:before');
        signing?.(Buffer.concat(pieces));
        const signature = await signer.signPieces(pieces);
        pass('sign:after');
        return signature;
      };
      return { ...decorated, signPieces };
    },
  };
}

/** Contract keys with the points `generate:before`, `seal:before` and so on. */
export const decorateContractKeys = (keys: ContractKeys, pass: Pass): ContractKeys =>
  decorate(
    {
      generate: async (...args: Parameters<ContractKeys['generate']>) => {
        const key = await keys.generate(...args);
        const { seal } = decorate({ seal: key.seal.bind(key) }, pass);
        return { ...key, seal, discard: () => key.discard() };
      },
    },
    pass,
  );

/** The database with points inside its transactions. */
export function decorateDatabase(database: Database, pass: Pass): Database {
  const watched = new WeakSet<object>();
  return {
    dialect: database.dialect,
    reader: database.reader,
    get counters() {
      return database.counters;
    },
    close: () => database.close(),
    write: (work) =>
      database.write(async (tx) => {
        // Works share a transaction, which is watched once.
        if (!watched.has(tx.knex)) {
          watched.add(tx.knex);
          tx.knex.on('query', ({ sql }: { readonly sql: string }) => {
            pass('statement:before');
            if (!/^COMMIT/i.test(sql)) return;
            pass('COMMIT:before');
            setImmediate(() => pass('COMMIT:sent'));
          });
        }
        const result = await work(tx);
        pass('work:after');
        return result;
      }),
  };
}

/** Gives the files of this process the points `writeFile:before`, `sync:after` and so on. */
export async function decorateFiles(pass: Pass): Promise<void> {
  const handle = await open(devNull);
  const prototype = Object.getPrototypeOf(handle) as Record<'writeFile' | 'sync', Method>;
  await handle.close();
  const { writeFile, sync } = prototype;
  prototype.writeFile = async function (text, ...options) {
    if (typeof text !== 'string') throw new Error('only texts are known to be written');
    const half = text.length >> 1;
    pass('writeFile:before');
    // What is written next follows what was written before.
    await writeFile.call(this, text.slice(0, half), ...options);
    pass('writeFile:half');
    await writeFile.call(this, text.slice(half), ...options);
    pass('writeFile:after');
  };
  prototype.sync = async function () {
    pass('sync:before');
    await sync.call(this);
    pass('sync:after');
  };
}
