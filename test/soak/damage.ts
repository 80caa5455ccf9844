import type { Random } from './random.ts';

/** What may happen to a file: its end is missing, some bits are others, its end is zeros. */
export type DamageKind = 'cut' | 'flipped bits' | 'zeroed tail';
export const DAMAGE_KINDS: readonly DamageKind[] = ['cut', 'flipped bits', 'zeroed tail'];

const FLIPS_MAX = 4;

/** A damaged copy; at least one byte of it differs unless the bytes were zeros already. */
export function damaged(bytes: Uint8Array, kind: DamageKind, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.below(Math.max(1, copy.length));
  if (kind === 'cut') return copy.subarray(0, at);
  if (kind === 'zeroed tail') return copy.fill(0, at);
  for (let i = 1 + random.below(FLIPS_MAX); i > 0; i--) {
    const place = random.below(Math.max(1, copy.length));
    copy[place] = (copy[place] ?? 0) ^ (1 << random.below(8));
  }
  return copy;
}
