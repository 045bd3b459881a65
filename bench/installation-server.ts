/**
 * An evpki in a process of its own, over the data directory and hierarchy that it is given. It sends
 * where its API listens, then how long its event loop was held since it was asked last.
 */

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startApp } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { createLogger } from '../src/observe/log.ts';

const [dataDir, hierarchy] = process.argv.slice(2);
const config = loadConfig({
  env: {
    EVPKI_DATA_DIR: dataDir,
    EVPKI_HIERARCHY: hierarchy,
    EVPKI_PUBLIC_PORT: '0',
    EVPKI_API_PORT: '0',
    EVPKI_METRICS_PORT: 'off',
  },
  readFile: (path) => readFileSync(path, 'utf8'),
});
if (!config.ok) throw new Error(JSON.stringify(config.errors));
const logger = createLogger({ level: 'info', format: 'json', stream: { write: () => undefined } });
const app = await startApp({ config: config.config, logger });
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.send?.({ apiUrl: app.apiUrl });
process.on('message', () => {
  const { max } = delay;
  process.send?.({ p99: delay.percentile(99) / 1e6, max: max / 1e6 });
  delay.reset();
});
process.on('disconnect', () => app.stop().then(() => process.exit(0)));
