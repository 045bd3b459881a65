import { describe, expect, test } from 'vitest';
import { parseAccessPolicy } from '../../src/services/access-policy.ts';
import {
  createActiveDeclarations,
  declarationsHash,
} from '../../src/services/active-declarations.ts';
import { demoDeclarations } from '../support/declarations.ts';

const { profiles, access, secondPerson, est } = demoDeclarations();
const ours = declarationsHash({ profiles, access, secondPerson, est });

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** A process beside a database of which only the active set is looked at. */
function processBeside(database: { active: string | undefined; reads: number; fails?: true }) {
  const time = { now: 0 };
  const declarations = createActiveDeclarations({
    declarationStore: {
      activate: async ({ sha256 }) => {
        const before = database.active;
        database.active = sha256;
        return before === sha256 ? undefined : before;
      },
      readActive: async () => {
        database.reads++;
        if (database.fails) throw new Error('the database does not answer');
        return database.active;
      },
    },
    ...{ profiles, access, secondPerson, est, processId: 'p' },
    ...{ clock: () => new Date(0), logger: silent },
    monotonic: () => time.now,
  });
  return { declarations, time };
}

describe('a process', () => {
  test('issues by its own declarations after it has put them in force', async () => {
    const database = { active: 'older', reads: 0 };
    const { declarations } = processBeside(database);
    await declarations.activate();
    expect(database.active).toBe(ours);
    await expect(declarations.requireActive()).resolves.toBeUndefined();
  });

  test('refuses from the poll on that finds others, and issues again when its own are back', async () => {
    const database = { active: undefined as string | undefined, reads: 0 };
    const { declarations } = processBeside(database);
    await declarations.activate();
    await declarations.poll();
    database.active = 'newer';
    await declarations.poll();
    await expect(declarations.requireActive()).rejects.toMatchObject({
      code: 'declarations-superseded',
    });
    database.active = ours;
    await declarations.poll();
    await expect(declarations.requireActive()).resolves.toBeUndefined();
  });

  test('does not rely on what it read more than a second ago, and reads no more than that', async () => {
    const database = { active: undefined as string | undefined, reads: 0 };
    const { declarations, time } = processBeside(database);
    await declarations.activate();
    await declarations.poll();
    for (time.now = 0; time.now <= 1_000; time.now += 100) await declarations.requireActive();
    expect(database.reads).toBe(1);
    // As after a sleep in which nobody polled.
    database.active = 'newer';
    time.now = 1_001;
    await expect(declarations.requireActive()).rejects.toThrow();
    expect(database.reads).toBe(2);
  });

  test('does not issue while it cannot ask', async () => {
    const database = { active: undefined as string | undefined, reads: 0 };
    const { declarations, time } = processBeside(database);
    await declarations.activate();
    time.now = 5_000;
    Object.assign(database, { fails: true });
    await expect(declarations.requireActive()).rejects.toThrow('does not answer');
  });
});

describe('the hash', () => {
  const policy = (roles: object) => {
    const parsed = parseAccessPolicy({ roles }, 'access.yaml');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    return parsed.policy;
  };
  const a = { description: 'A', actions: ['x:read', 'y:read'] };
  const b = { description: 'B', actions: 'all' };
  const hashWith = (changes: Partial<Parameters<typeof declarationsHash>[0]>) =>
    declarationsHash({ profiles, access: policy({ a, b }), secondPerson, est, ...changes });
  const hash = hashWith({});

  test('does not depend on order and wording', () => {
    const other = { b, a: { description: 'Other', actions: ['y:read', 'x:read'] } };
    const reversed = new Map([...profiles].reverse());
    expect(hashWith({ profiles: reversed, access: policy(other) })).toBe(hash);
  });

  test('depends on every role, profile, label and need of a second person', () => {
    const [first, ...rest] = [...profiles];
    if (!first) throw new Error('there is no profile');
    const changed = new Map([[first[0], { ...first[1], hash: 'other' }] as const, ...rest]);
    const hashes = [
      hash,
      hashWith({ profiles: new Map(rest) }),
      hashWith({ profiles: changed }),
      hashWith({ access: policy({ a }) }),
      hashWith({ secondPerson: new Set() }),
      hashWith({ est: { ...est, labels: new Map() } }),
      hashWith({ est: { ...est, anonymous: { organizations: {} } } }),
      hashWith({ access: policy({ a, b: { ...b, everyOrganization: true } }) }),
      hashWith({ access: policy({ a: { ...a, actions: ['x:read'] }, b }) }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
