import { describe, expect, test } from 'vitest';
import { anyPolicy } from '../../../src/pki/extensions/read-policies.ts';
import {
  judgePolicies,
  type PolicyFacts,
  type PolicyInput,
} from '../../../src/pki/path/policy-graph.ts';

const facts = (more: Partial<PolicyFacts> = {}): PolicyFacts => ({
  policies: undefined,
  selfIssued: false,
  unknownQualifiers: [],
  ...more,
});
const anchor = facts({ selfIssued: true });
const of = (...policies: readonly string[]): PolicyFacts => facts({ policies });
const mapped = (policies: readonly string[], ...pairs: readonly string[]): PolicyFacts =>
  facts({
    policies,
    policyMappings: {
      critical: true,
      mappings: pairs.map((pair) => {
        const [issuerDomain = '', subjectDomain = ''] = pair.split('>');
        return { issuerDomain, subjectDomain };
      }),
    },
  });
const limited = (
  policies: readonly string[],
  limits: { explicit?: number; mapping?: number; any?: number; selfIssued?: boolean },
): PolicyFacts =>
  facts({
    policies,
    selfIssued: limits.selfIssued ?? false,
    policyConstraints: {
      critical: true,
      ...(limits.explicit !== undefined && { requireExplicitPolicy: limits.explicit }),
      ...(limits.mapping !== undefined && { inhibitPolicyMapping: limits.mapping }),
    },
    ...(limits.any !== undefined && {
      inhibitAnyPolicy: { critical: true, skipCertificates: limits.any },
    }),
  });

/** Valid policies, or the index of the certificate that ends it. Paths leaf first, no anchor. */
const judge = (path: readonly PolicyFacts[], input: PolicyInput = {}) => {
  const verdict = judgePolicies([...path, anchor], input);
  return verdict.ok ? [...verdict.policies].sort() : verdict.index;
};
const explicit: PolicyInput = { requireExplicit: true };

describe('RFC 5280 6.1.3 (d) policies go down', () => {
  test.each<[string, PolicyFacts[], string[]]>([
    ['what all have', [of('1', '2'), of('2', '3')], ['2']],
    ['nothing in common', [of('1'), of('2')], []],
    ['one has none', [of('1'), facts()], []],
    ['the special policy above', [of('1'), of(anyPolicy)], ['1']],
    ['the special policy below', [of(anyPolicy), of('1', '2')], ['1', '2']],
    ['the special policy everywhere', [of(anyPolicy), of(anyPolicy)], [anyPolicy]],
    ['the special policy beside others', [of('1', anyPolicy), of('1', '2')], ['1', '2']],
    ['no path at all', [], [anyPolicy]],
  ])('%s', (_name, path, policies) => {
    expect(judge(path)).toEqual(policies);
  });

  test('and have to be some where that is demanded', () => {
    expect(judge([of('1'), of('2')], explicit)).toBe(0);
    expect(judge([of('1'), facts()], explicit)).toBe(1);
    expect(judge([of('1'), of('1')], explicit)).toEqual(['1']);
  });
});

describe('RFC 5280 6.1.4 (b) mappings', () => {
  test.each<[string, PolicyFacts[], string[] | number]>([
    ['one', [of('2'), mapped(['1'], '1>2')], ['1']],
    ['one to several', [of('3'), mapped(['1'], '1>2', '1>3')], ['1']],
    ['several to one', [of('3'), mapped(['1', '2'], '1>3', '2>3')], ['1', '2']],
    ['the old name is gone', [of('1'), mapped(['1'], '1>2')], 0],
    [
      'of a policy that only the special one stands for',
      [of('2'), mapped([anyPolicy], '1>2')],
      ['1'],
    ],
    ['of a policy that is not there', [of('2'), mapped(['3'], '1>2')], 0],
    ['twice', [of('3'), mapped(['2'], '2>3'), mapped(['1'], '1>2')], ['1']],
    ['and the special policy below', [of(anyPolicy), mapped(['1'], '1>2')], ['1']],
    ['of the special policy', [of('1'), mapped(['1'], `${anyPolicy}>1`)], 1],
    ['to the special policy', [of('1'), mapped(['1'], `1>${anyPolicy}`)], 1],
  ])('%s', (_name, path, expected) => {
    expect(judge(path, explicit)).toEqual(expected);
  });

  test('the mapping of a leaf does not matter', () => {
    expect(judge([mapped(['1'], '1>2')], explicit)).toEqual(['1']);
  });

  test('not where an authority above inhibits them', () => {
    const path = [of('2'), mapped(['1'], '1>2'), limited(['1'], { mapping: 0 })];
    expect(judge(path, explicit)).toBe(0);
    const later = [of('2'), mapped(['1'], '1>2'), limited(['1'], { mapping: 1 })];
    expect(judge(later, explicit)).toEqual(['1']);
  });
});

describe('RFC 5280 6.1.4 (h) to (j) what begins after some certificates', () => {
  test.each<[string, PolicyFacts[], string[] | number]>([
    ['explicit at once', [facts(), limited([], { explicit: 0 })], 0],
    ['explicit for the next', [facts(), limited([], { explicit: 1 })], 0],
    ['explicit after the path', [facts(), limited([], { explicit: 2 })], []],
    [
      'self-issued ones are not counted',
      [facts(), facts({ selfIssued: true }), limited([], { explicit: 2 })],
      [],
    ],
    ['others are', [facts(), facts(), limited([], { explicit: 2 })], 0],
    ['the special policy inhibited', [of(anyPolicy), limited(['1'], { explicit: 0, any: 0 })], 0],
    ['inhibited later', [of(anyPolicy), limited(['1'], { explicit: 0, any: 1 })], ['1']],
    [
      'a self-issued authority may still use it',
      [
        of('1'),
        limited([anyPolicy], { selfIssued: true }),
        limited(['1'], { explicit: 0, any: 0 }),
      ],
      ['1'],
    ],
  ])('%s', (_name, path, expected) => {
    expect(judge(path)).toEqual(expected);
  });

  test('the caller may inhibit the special policy', () => {
    expect(judge([of('1'), of(anyPolicy)], { ...explicit, inhibitAny: true })).toBe(1);
  });
});

describe('RFC 5280 6.1.5 (g) what the caller accepts', () => {
  test.each<[string[], string[] | number]>([
    [['2'], ['2']],
    [['2', '9'], ['2']],
    [[anyPolicy], ['1', '2']],
    [['9'], 0],
    [[], 0],
  ])('of %j: %j', (acceptable, expected) => {
    expect(judge([of('1', '2'), of('1', '2')], { ...explicit, acceptable })).toEqual(expected);
  });

  test('all of it where the path is under any policy', () => {
    const input = { ...explicit, acceptable: ['7', '8'] };
    expect(judge([of(anyPolicy), of(anyPolicy)], input)).toEqual(['7', '8']);
  });

  test('nothing need match where no policy is demanded', () => {
    expect(judge([of('1')], { acceptable: ['9'] })).toEqual([]);
  });
});

test('RFC 5937 an anchor restricts, and its own policies do not', () => {
  const strict = limited(['1'], { explicit: 0 });
  expect(judgePolicies([of('2'), strict], {})).toEqual({ ok: true, policies: ['2'] });
  expect(judgePolicies([facts(), strict], {})).toMatchObject({ ok: false, index: 0 });
});

// CVE-2023-0464: in a tree of policies each of these levels has twice as many nodes.
test('RFC 9618 mappings that multiply do not', () => {
  const names = Array.from({ length: 40 }, (_, index) => `2.999.${index}`);
  const pairs = names.flatMap((from) => names.map((to) => `${from}>${to}`));
  const level = mapped(names, ...pairs);
  const path = [of(...names), ...Array.from({ length: 6 }, () => level)];
  expect(judge(path, { ...explicit, acceptable: ['2.999.3'] })).toEqual(['2.999.3']);
});
