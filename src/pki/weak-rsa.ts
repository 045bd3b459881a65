/**
 * RSA moduli that can be factored with little effort, found without factoring them in earnest:
 * a small prime factor, the pattern of ROCA (CVE-2017-15361), two primes close to each other.
 * Takes well under a millisecond, as it runs for every request.
 */

/** Every odd prime below this is tried as a factor. */
const SMALL_PRIME_BOUND = 2 ** 11;
/** The ROCA fingerprint holds up to this prime for keys of every length (Nemec et al. 2017, 2.3). */
const ROCA_PRIME_BOUND = 167;
const ROCA_GENERATOR = 65537;
const FERMAT_ROUNDS = 100;

/** Phrases without a full stop, one for each weakness of the modulus; none if it has none. */
export function rsaWeaknesses(modulus: bigint): string[] {
  const weaknesses: string[] = [];
  const residues = residuesOf(modulus);
  const factor = modulus % 2n === 0n ? 2 : [...residues].find(([, rest]) => rest === 0)?.[0];
  if (factor !== undefined) weaknesses.push(`its RSA modulus is divisible by ${factor}`);
  if (hasRocaFingerprint(residues)) {
    weaknesses.push('its RSA modulus has the pattern of a ROCA key (CVE-2017-15361)');
  }
  if (hasClosePrimes(modulus)) {
    weaknesses.push('the two primes of its RSA modulus are too close to each other');
  }
  return weaknesses;
}

const smallPrimes: readonly number[] = oddPrimesBelow(SMALL_PRIME_BOUND);

function oddPrimesBelow(bound: number): number[] {
  const primes: number[] = [];
  for (let candidate = 3; candidate < bound; candidate += 2) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/**
 * The primes in groups whose product is still an exact number: the modulus is divided by a few
 * products, and the primes work on what remains. Cheaper than one gcd with the product of all.
 */
const primeGroups: readonly { readonly product: bigint; readonly primes: readonly number[] }[] =
  groupPrimes(smallPrimes);

function groupPrimes(primes: readonly number[]): { product: bigint; primes: number[] }[] {
  const groups: { product: bigint; primes: number[] }[] = [];
  let product = 1;
  let group: number[] = [];
  for (const prime of primes) {
    if (product * prime > Number.MAX_SAFE_INTEGER) {
      groups.push({ product: BigInt(product), primes: group });
      product = 1;
      group = [];
    }
    product *= prime;
    group.push(prime);
  }
  groups.push({ product: BigInt(product), primes: group });
  return groups;
}

/** The modulus modulo each small odd prime. */
function residuesOf(modulus: bigint): Map<number, number> {
  const residues = new Map<number, number>();
  for (const { product, primes } of primeGroups) {
    const rest = Number(modulus % product);
    for (const prime of primes) residues.set(prime, rest % prime);
  }
  return residues;
}

/** For each prime of the fingerprint the powers of 65537 modulo that prime. */
const rocaSubgroups: readonly (readonly [prime: number, powers: ReadonlySet<number>])[] =
  smallPrimes
    .filter((prime) => prime <= ROCA_PRIME_BOUND)
    .map((prime) => [prime, powersModulo(prime)]);

function powersModulo(prime: number): Set<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * (ROCA_GENERATOR % prime)) % prime) {
    powers.add(power);
  }
  return powers;
}

/**
 * The library behind ROCA made its primes as k*M + (65537^a mod M), M being the product of the
 * first primes. So its moduli are a power of 65537 modulo every one of them, which for other
 * moduli happens about once in 2^28.
 */
const hasRocaFingerprint = (residues: ReadonlyMap<number, number>): boolean =>
  rocaSubgroups.every(([prime, powers]) => powers.has(residues.get(prime) ?? 0));

/** Fermat's method: N = a^2 - b^2 is found fast if the factors a+b and a-b are close. */
function hasClosePrimes(modulus: bigint): boolean {
  let a = integerSquareRoot(modulus);
  if (a * a < modulus) a += 1n;
  let square = a * a - modulus;
  for (let round = 0; round < FERMAT_ROUNDS; round++) {
    if (isSquare(square)) return true;
    square += 2n * a + 1n;
    a += 1n;
  }
  return false;
}

/** The squares modulo 2^6, and modulo numbers whose product divides `oddFilter`. */
const squaresModulo = (modulus: number): ReadonlySet<number> =>
  new Set(Array.from({ length: modulus }, (_, root) => (root * root) % modulus));
const binarySquares = squaresModulo(64);
const oddFilters = [63, 65, 11, 17, 19, 23, 31].map((modulus) => ({
  modulus,
  squares: squaresModulo(modulus),
}));
const oddFilter = BigInt(oddFilters.reduce((product, { modulus }) => product * modulus, 1));

function isSquare(value: bigint): boolean {
  // Two cheap questions settle nearly every number that is not a square.
  if (!binarySquares.has(Number(BigInt.asUintN(6, value)))) return false;
  const rest = Number(value % oddFilter);
  if (oddFilters.some(({ modulus, squares }) => !squares.has(rest % modulus))) return false;
  const root = integerSquareRoot(value);
  return root * root === value;
}

/** The largest integer whose square is not above the value (Newton's method, from above). */
function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  const bits = value.toString(16).length * 4;
  let root = 1n << BigInt(Math.ceil(bits / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
