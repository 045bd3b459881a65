/** Whatever is brought to be registered, it ends in violations: nothing throws. */

import { expect, test } from 'vitest';
import { checkCertificate, readRegistration } from '../../src/services/provisioning-checks.ts';
import { drawing, seed } from '../support/chance.ts';
import { newMaker, pemOf } from '../support/makers.ts';

const INPUTS = 5_000;
const organization = { id: 'oem', wmis: ['DEM'] };

test(`W12 of ${INPUTS} damaged certificates each is read or refused (seed ${seed})`, () => {
  const maker = newMaker();
  const { der } = maker.vehicle('DEMP1234567890123');
  const draw = drawing('damaged certificates');
  const counts = { unreadable: 0, refused: 0, accepted: 0 };
  for (let input = 0; input < INPUTS; input++) {
    let octets = Buffer.from(der);
    for (let faults = draw(3); faults > 0; faults--) {
      const at = draw(octets.length) - 1;
      const kind = draw(4);
      if (kind === 1) octets = octets.subarray(0, Math.max(1, at));
      else if (kind === 2)
        octets = Buffer.concat([octets.subarray(0, at), octets.subarray(at + 1)]);
      else octets[at] = draw(256) - 1;
      if (octets.length === 0) octets = Buffer.from(der);
    }
    const text = octets.toString('base64');
    const read = readRegistration({ certificate: text, chain: [text, pemOf(maker.root)] });
    if (!read.certificate) {
      expect(read.violations.length).toBeGreaterThan(1);
      counts.unreadable++;
      continue;
    }
    const { pcid, standard, violations } = checkCertificate(
      read.certificate,
      undefined,
      organization,
    );
    // What is accepted says what it is.
    if (violations.length === 0) expect([pcid, standard]).not.toContain(undefined);
    counts[violations.length === 0 ? 'accepted' : 'refused']++;
  }
  // Damage to the signature or the validity is for the chain to find.
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
});
