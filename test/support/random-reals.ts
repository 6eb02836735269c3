/** Kinds of reals that readers of decimals get wrong in their own ways. */
export type RealKind = "coordinates" | "decimals" | "random" | "subnormal" | "largest";

/** Yields this many reals of a kind, the same for the same seed. */
export function* randomReals(kind: RealKind, count: number, seed: number): Generator<number> {
  const next = randomNumbers(seed);
  for (let n = 0; n < count; n += 1) yield DRAW[kind](next);
}

const DRAW: Record<RealKind, (next: () => number) => number> = {
  coordinates: (next) => Number(((next() - 0.5) * 360).toFixed(6)),
  // From 1 to 15 digits, with the point anywhere among or before them.
  decimals: (next) => {
    const digits = 1 + Math.floor(next() * 15);
    const decimals = Math.floor(next() * (digits + 6));
    const sign = next() < 0.5 ? "-" : "";
    return Number(`${sign}${Math.floor(next() * 10 ** digits)}e-${decimals}`) || 0;
  },
  random: (next) => {
    for (;;) {
      const real = fromWords(next() * 2 ** 32, next() * 2 ** 32);
      if (Number.isFinite(real)) return real;
    }
  },
  // Including the sixteen smallest powers of two.
  subnormal: (next) => fromWords(next() * 2 ** 24, next() * 2 ** 32),
  largest: (next) => fromWords(0x7f_e0_00_00 + next() * 2 ** 20, next() * 2 ** 32),
};

function fromWords(high: number, low: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, high);
  view.setUint32(4, low);
  return view.getFloat64(0);
}

/** Numbers from 0 to 1, from a small generator (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
