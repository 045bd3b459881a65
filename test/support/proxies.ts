/**
 * nginx and HAProxy in front of a running evpki, with the settings that docs/client-certificates.md
 * has: only files, addresses and ports in them are changed. They listen on loopback.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRequired } from './other-tools.ts';
import { readRepositoryFile } from './repository.ts';
import { type Identity, selfSigned } from './tls-identity.ts';

/** What a proxy is, as far as those in front of evpki differ. */
export interface ProxyProgram {
  /** As EVPKI_REQUIRE names it, and as the block of settings in the document is marked. */
  readonly name: 'nginx' | 'haproxy';
  /** Undefined where it is not installed. */
  readonly version: string | undefined;
  /** Puts the documented settings where it can be started with them; what comes to run. */
  prepare(
    folder: string,
    settings: string,
  ): Promise<{ readonly command: string; readonly args: readonly string[] }>;
  /** What the document says about where it listens, in the way that it is written here. */
  listenAt(port: number): readonly [documented: string, here: string];
}

export interface RunningProxy {
  readonly port: number;
  /** `https://localhost` and its port. */
  readonly url: string;
  /** PEM: who it says that it is. */
  readonly ca: string;
  /** How many connections to evpki it has opened. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

export const nginx: ProxyProgram = {
  name: 'nginx',
  version: versionOf('nginx', /nginx\/(\S+)/),
  async prepare(folder, settings) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${join(folder, kind)};`,
    );
    // One process for all: whatever could be mixed up is in the same pool of connections.
    const main = [
      'daemon off; master_process off;',
      `pid ${join(folder, 'nginx.pid')}; error_log stderr notice;`,
      'events {}',
      `http { access_log off; ${temporary.join(' ')}`,
      settings,
      '}',
    ];
    const file = join(folder, 'nginx.conf');
    await writeFile(file, main.join('\n'));
    return { command: 'nginx', args: ['-e', 'stderr', '-p', folder, '-c', file] };
  },
  listenAt: (port) => ['listen 8543 ssl;', `listen 127.0.0.1:${port} ssl;`],
};

export const haproxy: ProxyProgram = {
  name: 'haproxy',
  version: versionOf('haproxy', /HAProxy version (\S+)/),
  async prepare(folder, settings) {
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, settings);
    return { command: 'haproxy', args: ['-db', '-f', file] };
  },
  listenAt: (port) => ['bind :8543 ssl', `bind 127.0.0.1:${port} ssl`],
};

/** For `skipIf`: not installed, nor named by EVPKI_REQUIRE. */
export const mayBeMissing = ({ name, version }: ProxyProgram): boolean =>
  version === undefined && !isRequired(name);

/** The only block of the document in this language, with this text in it. */
export function documentedBlock(language: string, text = ''): string {
  const page = readRepositoryFile('docs/client-certificates.md');
  const blocks = page
    .split(`\`\`\`${language}\n`)
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf('```')))
    .filter((block) => block.includes(text));
  if (blocks.length !== 1) throw new Error(`${blocks.length} blocks of ${language} with "${text}"`);
  return blocks[0] ?? '';
}

/**
 * Starts one in front of an evpki that knows it by `identity`.
 * @param options.change what a test has otherwise than the document
 */
export async function startProxy(
  program: ProxyProgram,
  { identity, apiUrl, apiCa }: { identity: Identity; apiUrl: string; apiCa: string },
  change: (settings: string) => string = (settings) => settings,
): Promise<RunningProxy> {
  if (program.version === undefined) throw new Error(`${program.name} is not installed`);
  const folder = await mkdtemp(join(tmpdir(), `evpki-${program.name}-`));
  const own = selfSigned('localhost');
  // HAProxy reads certificate and key from one file, nginx takes the certificate of such a one.
  const files = {
    'api.pem': own.cert + own.key,
    'api.key': own.key,
    'proxy.pem': identity.cert + identity.key,
    'proxy.key': identity.key,
    'evpki-api-ca.pem': apiCa,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { relay, connections, close } = await countedRelay(Number(new URL(apiUrl).port));
  const settings = (port: number): string => {
    const places: (readonly [string, string])[] = [
      program.listenAt(port),
      [`/etc/${program.name}/`, `${folder}/`],
      ['evpki.internal:8543', `127.0.0.1:${relay}`],
      ['evpki.internal', 'localhost'],
    ];
    return places.reduce(
      (text, [documented, here]) => {
        if (!text.includes(documented)) throw new Error(`${program.name}: no "${documented}"`);
        return text.replaceAll(documented, here);
      },
      change(documentedBlock(program.name)),
    );
  };
  const clean = async () => {
    await close();
    await rm(folder, { recursive: true });
  };
  // Somebody else may take a port between its choice and its use.
  for (let tries = 5; ; tries--) {
    const port = await freePort();
    const { command, args } = await program.prepare(folder, settings(port));
    try {
      const stop = await started(command, args, port);
      return {
        ...{ port, url: `https://localhost:${port}`, ca: own.cert, connections },
        async stop() {
          await stop();
          await clean();
        },
      };
    } catch (error) {
      if (tries > 1 && /in use|cannot bind/i.test(String(error))) continue;
      await clean();
      throw error;
    }
  }
}

const STARTS_WITHIN = 30_000;

/** Runs it until it takes connections; ends it by its process id. */
async function started(
  command: string,
  args: readonly string[],
  port: number,
): Promise<() => Promise<void>> {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  let isOver = false;
  const over = once(child, 'close').finally(() => {
    isOver = true;
  });
  over.catch((error: Error) => {
    said += error.message;
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await over;
  };
  const deadline = Date.now() + STARTS_WITHIN;
  while (!(await takesConnections(port))) {
    if (isOver) throw new Error(`${command} has ended: ${said}`);
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`${command} does not listen: ${said}`);
    }
    await sleep(20);
  }
  // Somebody else may be who listens there.
  await sleep(50);
  if (isOver) throw new Error(`${command} has ended: ${said}`);
  return stop;
}

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

async function freePort(): Promise<number> {
  const server = await listening(createServer());
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Passes on what comes to evpki, octet by octet, and counts the connections. */
async function countedRelay(target: number) {
  const open = new Set<Socket>();
  let count = 0;
  const server = await listening(
    createServer((near) => {
      count++;
      const far = connect(target, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          open.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    }),
  );
  return {
    relay: (server.address() as AddressInfo).port,
    connections: () => count,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function versionOf(command: string, pattern: RegExp): string | undefined {
  try {
    // nginx says it on its standard error.
    const text = execFileSync('sh', ['-c', `${command} -v 2>&1`], { encoding: 'utf8' });
    return pattern.exec(text)?.[1];
  } catch {
    return undefined;
  }
}
