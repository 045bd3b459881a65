/**
 * Measures CPU time of this process, not the clock on the wall: other work on the machine counts
 * less then. Contestants take turns, and what counts is the median of their rounds.
 */

export interface Contestant {
  readonly name: string;
  /** Does its work this many times. */
  readonly run: (times: number) => Promise<void> | void;
}

const ROUNDS = 15;
const ROUND_MICROSECONDS = 100_000;
/**
 * A service runs for months, so what counts is code that the engine has finished with. Before
 * that it costs two to three times as much, and its compiler's threads are counted with it.
 */
const WARM_UP_MICROSECONDS = 6_000_000;

/** Microseconds of CPU per piece of work, by contestant. */
export async function cpuMicroseconds(
  contestants: readonly Contestant[],
): Promise<ReadonlyMap<string, number>> {
  const rounds = await cpuRounds(contestants);
  return new Map([...rounds].map(([name, values]) => [name, median(values)]));
}

/**
 * The same for each round. What else the machine does makes all work dearer, caches and cores being
 * shared, but that of one round alike: ratios are taken within rounds.
 */
export async function cpuRounds(
  contestants: readonly Contestant[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map<string, number>();
  const samples = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (const { name, run } of contestants) times.set(name, await calibrated(run));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, run } of contestants) {
      const count = times.get(name) ?? 1;
      const before = process.cpuUsage();
      await run(count);
      const { user, system } = process.cpuUsage(before);
      samples.get(name)?.push((user + system) / count);
    }
  }
  return samples;
}

/** How often to run for a round of about {@link ROUND_MICROSECONDS}; warms up on the way. */
async function calibrated(run: Contestant['run']): Promise<number> {
  let spent = 0;
  for (let count = 1; ; ) {
    const before = process.cpuUsage();
    await run(count);
    const { user, system } = process.cpuUsage(before);
    spent += user + system;
    if (user + system < ROUND_MICROSECONDS) count *= 2;
    else if (spent >= WARM_UP_MICROSECONDS) return count;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** One line per figure, with what it is held against. */
export function report(figure: string, value: string, hold: string): void {
  process.stdout.write(`${figure.padEnd(58)} ${value.padStart(22)}   hold: ${hold}\n`);
}
