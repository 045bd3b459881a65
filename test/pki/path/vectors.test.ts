/** Every category of what can be wrong with a chain: our own cases, each with its verdict. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../../src/pki/certificate.ts';
import { type PathInput, validatePath } from '../../../src/pki/path/validate-path.ts';
import { readPemBlocks } from '../../../src/pki/pem.ts';
import { type PathVector, pathVectors } from '../../support/path-cases.ts';

const folder = new URL('../../vectors/paths/', import.meta.url);
const files = readdirSync(folder).sort();
const vectorsOf = (file: string): readonly PathVector[] =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

const read = (pem: string): Certificate => {
  const [block] = readPemBlocks(pem);
  return readCertificate(block?.der ?? new Uint8Array());
};

function inputOf(vector: PathVector): PathInput {
  const { revoked } = vector;
  return {
    ...vector.rules,
    at: new Date(vector.at),
    certificate: read(vector.certificate),
    candidates: vector.candidates.map(read),
    anchors: vector.anchors.map(read),
    statusOf: ({ der }) =>
      revoked.some((pem) => Buffer.compare(read(pem).der, der) === 0) ? 'revoked' : 'good',
  };
}

test('the files hold what the cases in test/support make', () => {
  expect(Object.fromEntries(files.map((file) => [file, vectorsOf(file)]))).toEqual(
    Object.fromEntries([...pathVectors()].map(([category, made]) => [`${category}.json`, made])),
  );
});

test('every category is there, with chains that hold and chains that do not', () => {
  const verdicts = files.flatMap((file) => vectorsOf(file).map(({ verdict }) => verdict));
  expect(verdicts.filter((verdict) => verdict === 'holds').length).toBeGreaterThan(40);
  expect(verdicts.filter((verdict) => verdict === 'refused').length).toBeGreaterThan(70);
});

describe.each(files.map((file) => file.replace('.json', '')))('%s', (category) => {
  test.each(vectorsOf(`${category}.json`))('A3 $about ($id): $verdict', (vector) => {
    const verdict = validatePath(inputOf(vector));
    expect(verdict.ok ? [] : verdict.problems.map(({ code }) => code)).toEqual(vector.problems);
    expect(verdict.ok).toBe(vector.verdict === 'holds');
    expect(verdict.signatureChecks).toBeLessThanOrEqual(40);
  });

  test.each(vectorsOf(`${category}.json`))('A3 $id: the order does not matter', (vector) => {
    const input = inputOf(vector);
    const candidates = [...input.candidates].reverse();
    const anchors = [...input.anchors, ...input.anchors].reverse();
    const verdict = validatePath({ ...input, candidates, anchors });
    expect(verdict.ok).toBe(vector.verdict === 'holds');
  });
});
