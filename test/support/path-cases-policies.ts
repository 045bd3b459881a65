/** Cases about certificate policies. */

import { anyPolicy } from '../../src/pki/extensions/read-policies.ts';
import { type PathCase, under } from './path-case.ts';
import {
  authority,
  certificatePolicies,
  inhibitAnyPolicy,
  leaf,
  policyConstraints,
  policyMappings,
  root,
} from './path-certificates.ts';

const [gold, silver, bronze] = ['2.999.1', '2.999.2', '2.999.3'] as const;
const withPolicies = (...policies: readonly string[]) => ({
  extensions: [certificatePolicies(policies)],
});
const explicitly = { requireExplicit: true };

export const policyCases: readonly PathCase[] = [
  {
    id: 'pc/not-critical',
    about: 'RFC 5280 4.2.1.11 policy constraints are critical',
    ...under(authority('Sub', 'Root', { extensions: [policyConstraints({ explicit: 3 }, false)] })),
    problems: ['extension-criticality'],
  },
  {
    id: 'pc/explicit-and-none',
    about: 'RFC 5280 6.1.5 (g) an explicit policy is demanded by an authority, and there is none',
    ...under(authority('Sub', 'Root', { extensions: [policyConstraints({ explicit: 0 })] })),
    problems: ['policy'],
  },
  {
    id: 'pc/explicit-later-than-the-path',
    about: 'RFC 5280 4.2.1.11 the demand begins only after so many certificates',
    ...under(authority('Sub', 'Root', { extensions: [policyConstraints({ explicit: 2 })] })),
    problems: [],
  },
  {
    id: 'pc/explicit-by-leaf',
    about: 'RFC 5280 6.1.5 (b) the leaf itself may demand it',
    ...under(authority('Sub', 'Root'), { extensions: [policyConstraints({ explicit: 0 })] }),
    problems: ['policy'],
  },
  {
    id: 'pc/explicit-by-anchor',
    about: 'RFC 5937 an anchor may demand it',
    anchors: [root('Root', { extensions: [policyConstraints({ explicit: 0 })] })],
    certificate: leaf('Root'),
    problems: ['policy'],
  },
  {
    id: 'pc/explicit-and-any',
    about: 'RFC 5280 6.1.3 (d) (2) the special policy stands for all',
    ...under(authority('Sub', 'Root', withPolicies(anyPolicy)), withPolicies(gold)),
    rules: { policies: { ...explicitly, acceptable: [gold] } },
    problems: [],
  },
  {
    id: 'pc/explicit-and-another',
    about: 'RFC 5280 6.1.5 (g) the policy is none that the caller accepts',
    ...under(authority('Sub', 'Root', withPolicies(anyPolicy)), withPolicies(silver)),
    rules: { policies: { ...explicitly, acceptable: [gold] } },
    problems: ['policy'],
  },
  {
    id: 'pc/any-inhibited',
    about: 'RFC 5280 6.1.4 (j) the special policy stands for nothing any more',
    ...under(
      authority('Sub', 'Root', {
        extensions: [certificatePolicies([gold]), inhibitAnyPolicy(0)],
      }),
      withPolicies(anyPolicy),
    ),
    rules: { policies: explicitly },
    problems: ['policy'],
  },
  {
    id: 'pc/inhibit-any-not-critical',
    about: 'RFC 5280 4.2.1.14 inhibitAnyPolicy is critical',
    ...under(authority('Sub', 'Root', { extensions: [inhibitAnyPolicy(0, false)] })),
    problems: ['extension-criticality'],
  },
  {
    id: 'pc/mapped',
    about: 'RFC 5280 6.1.4 (b) (1) what the leaf calls silver is gold above',
    ...under(
      authority('Sub', 'Root', {
        extensions: [certificatePolicies([gold]), policyMappings([gold, silver])],
      }),
      withPolicies(silver),
    ),
    rules: { policies: { ...explicitly, acceptable: [gold] } },
    problems: [],
  },
  {
    id: 'pc/mapped-name-is-not-accepted',
    about: 'RFC 5280 6.1.5 (g) policies count by the names that the anchor knows',
    ...under(
      authority('Sub', 'Root', {
        extensions: [certificatePolicies([gold]), policyMappings([gold, silver])],
      }),
      withPolicies(silver),
    ),
    rules: { policies: { ...explicitly, acceptable: [silver] } },
    problems: ['policy'],
  },
  {
    id: 'pc/mapping-inhibited',
    about: 'RFC 5280 6.1.4 (b) (2) a mapping that is not allowed takes its policy away',
    ...under(
      authority('Sub', 'Root', {
        extensions: [certificatePolicies([gold]), policyMappings([gold, silver])],
      }),
      withPolicies(silver),
    ),
    rules: { policies: { ...explicitly, inhibitMapping: true } },
    problems: ['policy'],
  },
  {
    id: 'pc/mapping-of-any',
    about: 'RFC 5280 6.1.4 (a) the special policy cannot be mapped',
    ...under(authority('Sub', 'Root', { extensions: [policyMappings([anyPolicy, bronze])] })),
    problems: ['policy'],
  },
  {
    id: 'pc/malformed',
    about: 'RFC 5280 4.2.1.11 policy constraints are not empty',
    ...under(authority('Sub', 'Root', { extensions: [policyConstraints({})] })),
    problems: ['extension-malformed'],
  },
];
