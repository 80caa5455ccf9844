/** Repeatable damage to files. */

/** A small generator of numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export type Damage = 'cut' | 'zeros' | 'flip';

/** Cuts the file off, zeroes its tail, or flips one to three bits at or behind `from` and before `to`. */
export function damaged(
  bytes: Buffer,
  damage: Damage,
  random: () => number,
  from = 0,
  to: number = bytes.length,
): Buffer {
  const at = (): number => from + Math.floor(random() * (to - from));
  if (damage === 'cut') return bytes.subarray(0, at());
  const copy = Buffer.from(bytes);
  if (damage === 'zeros') return copy.fill(0, Math.min(at(), bytes.length - 1));
  for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips--) {
    const place = at();
    copy[place] = (copy[place] ?? 0) ^ (1 << Math.floor(random() * 8));
  }
  return copy;
}
