/**
 * Processes that are killed at named points and at random moments (see EVPKI_KILLS in
 * support/chance.ts). A run is repeated with the EVPKI_TEST_SEED that the names of its tests show.
 */

import { afterAll, beforeAll } from 'vitest';
import { type Launcher, prepareProcesses } from '../support/killed-process.ts';
import { preparedBackends } from '../support/prepared-databases.ts';
import { approvingSurvives } from './killed-approving.ts';
import { endingSurvives } from './killed-ending.ts';
import { firstStartSurvives } from './killed-first-start.ts';
import { issuingSurvives } from './killed-issuing.ts';
import { revokingSurvives } from './killed-revoking.ts';

let launcher: Launcher | undefined;
beforeAll(async () => {
  launcher = await prepareProcesses();
});
afterAll(() => launcher?.remove());

const prepared = (): Launcher => {
  if (launcher === undefined) throw new Error('the processes are not prepared');
  return launcher;
};

for (const backend of preparedBackends) {
  issuingSurvives(backend, prepared);
  approvingSurvives(backend, prepared);
  revokingSurvives(backend, prepared);
  endingSurvives(backend, prepared);
  firstStartSurvives(backend, prepared);
}
