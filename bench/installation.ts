/**
 * Contract installation, EXI in, EXI out: the use case over a real SQLite database, and its pure
 * part, against the cryptographic operations that it cannot do without.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIso2Installation } from '../src/iso15118/installation/iso2-request.ts';
import { answerCar } from '../src/services/installation.ts';
import { type Car, openInstallations } from './installed-cars.ts';
import { cpuMicroseconds, report } from './measure.ts';

const dataDir = await mkdtemp(join(tmpdir(), 'evpki-bench-'));
const bench = await openInstallations(dataDir, 'iso15118-2', 20);
const inst = bench.parts.installation;
let i = 0;
const next = () => bench.cars[i++ % bench.cars.length] as Car;
for (const car of bench.cars) {
  const a = await answerCar(inst, bench.commandFor(car));
  if (a.responseCode !== 'OK') throw new Error(JSON.stringify(a));
}
if (process.env.PROF) {
  for (let k = 0; k < 3000; k++) await answerCar(inst, bench.commandFor(next()));
  process.exit(0);
}
const micros = await cpuMicroseconds([
  {
    name: 'whole',
    run: async (n) => {
      for (let k = 0; k < n; k++) await answerCar(inst, bench.commandFor(next()));
    },
  },
  {
    name: 'read',
    run: async (n) => {
      for (let k = 0; k < n; k++) readIso2Installation(next().exi);
    },
  },
]);
console.log(micros);
await bench.close();
await rm(dataDir, { recursive: true });
