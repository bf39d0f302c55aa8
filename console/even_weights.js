// Equal weights of four decimals that sum to exactly 100: the first ones take what is left over.

const STEPS = 10_000;

export function evenWeights(variants) {
  const share = Math.floor((100 * STEPS) / variants);
  const over = 100 * STEPS - share * variants;
  return Array.from({ length: variants }, (_, index) => (share + (index < over ? 1 : 0)) / STEPS);
}
