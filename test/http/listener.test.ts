import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Listener, listen, type TlsIdentity } from '../../src/http/listener.ts';
import { toPem } from '../../src/pki/pem.ts';
import { generateKey, issue, templateFor } from '../support/issuing.ts';

type Version = 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** A key and its certificate; nobody verifies it here. */
function newIdentity(): TlsIdentity {
  const key = generateKey();
  const { der } = issue(templateFor(key, key), key);
  return {
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: toPem('CERTIFICATE', der),
  };
}

describe.each(['the first certificate', 'a renewed one'])('TLS with %s', (which) => {
  let listener: Listener;

  beforeAll(async () => {
    listener = await listen({
      host: '127.0.0.1',
      port: 0,
      setting: 'TEST_PORT',
      handle: (_request, response) => response.end('ok'),
      tls: newIdentity(),
    });
    if (which === 'a renewed one') listener.present(newIdentity());
  });
  afterAll(async () => {
    listener.abort();
    await listener.close();
  });

  /** Connects, asks for something, and returns what the connection was and its last session. */
  const visit = (version: Version, session?: Buffer, renegotiate = false) =>
    new Promise<{ reused: boolean; session: Buffer | undefined; renegotiated: boolean }>(
      (resolve, reject) => {
        let last: Buffer | undefined;
        let [reused, renegotiated] = [false, false];
        const socket: TLSSocket = connect({
          host: '127.0.0.1',
          port: listener.address.port,
          rejectUnauthorized: false,
          minVersion: version,
          maxVersion: version,
          ciphers: 'ALL:@SECLEVEL=0',
          ...(session ? { session } : {}),
        });
        const ask = () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        socket.on('secureConnect', () => {
          reused = socket.isSessionReused();
          if (!renegotiate) return ask();
          return socket.renegotiate({}, (error) => {
            renegotiated = error === null;
            socket.destroy();
          });
        });
        socket.on('session', (data) => {
          last = data;
        });
        socket.on('data', () => {});
        socket.on('error', (error) => {
          if (!renegotiate) reject(error);
        });
        socket.on('close', () =>
          resolve({
            reused,
            session: last ?? session,
            renegotiated,
          }),
        );
      },
    );

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s sessions are not resumed', async (version) => {
    const { session } = await visit(version);
    const { reused } = await visit(version, session);
    expect(reused).toBe(false);
  });

  test('clients cannot renegotiate', async () => {
    expect((await visit('TLSv1.2', undefined, true)).renegotiated).toBe(false);
  });

  test('TLS 1.1 is refused', async () => {
    await expect(visit('TLSv1.1')).rejects.toThrow(/alert/);
  });
});
