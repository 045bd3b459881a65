import { expect, test } from 'vitest';
import { SigningBudget } from '../../src/services/signing-budget.ts';

function budgetAt() {
  const time = { now: 0 };
  const budget = new SigningBudget(() => time.now);
  const takeAll = (issuer = 'ca') => {
    for (let taken = 0; ; taken++) if (!budget.take(issuer)) return taken;
  };
  return { time, budget, takeAll };
}

test('O4 so many signatures at once and not one more', () => {
  const { takeAll, budget } = budgetAt();
  expect(takeAll()).toBe(400);
  expect(budget.take('ca')).toBe(false);
});

test('O4 so many a second afterwards, never more than the burst', () => {
  const { time, takeAll } = budgetAt();
  takeAll();
  time.now += 1_000;
  expect(takeAll()).toBe(200);
  time.now += 4;
  expect(takeAll()).toBe(0);
  time.now += 1;
  expect(takeAll()).toBe(1);
  time.now += 86_400_000;
  expect(takeAll()).toBe(400);
});

test('what is refused costs nothing: those who keep asking do not keep others out', () => {
  const { time, budget, takeAll } = budgetAt();
  takeAll();
  for (let asked = 0; asked < 10; asked++) {
    time.now += 0.5;
    budget.take('ca');
  }
  expect(takeAll() + 1).toBe(1);
  time.now += 5;
  expect(budget.take('ca')).toBe(true);
});

test('O4 the issuers have budgets of their own', () => {
  const { takeAll } = budgetAt();
  expect(takeAll('one')).toBe(400);
  expect(takeAll('two')).toBe(400);
});

test('O1 a long list costs as much as it asks for', () => {
  const budget = new SigningBudget(() => 0, { burst: 64, perSecond: 1 });
  expect([budget.take('all', 32), budget.take('all', 32), budget.take('all', 1)]).toEqual([
    true,
    true,
    false,
  ]);
});
