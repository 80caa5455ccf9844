import type { SealedUnit } from '../core/ports/landing-place.ts';
import type { PullResult } from '../core/ports/pulled-source.ts';

/** Format of the manifests; a reader takes no other for a sealed unit. */
const FORMAT = 1;

/** What lies beside a landed file and makes it a sealed unit. What its writer vouches for is no part of it: another process looks for itself. */
export type Manifest = Omit<SealedUnit, 'uri' | 'unreadable_uri' | 'number' | 'facts'>;

export function manifestText(unit: SealedUnit): string {
  const { uri: _, unreadable_uri: __, number: ___, facts: ____, ...manifest } = unit;
  return `${JSON.stringify({ format: FORMAT, ...manifest })}\n`;
}

/** Undefined for anything that is not a whole manifest of ours: such a unit was never sealed. */
export function manifestFrom(text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text) as Partial<Manifest> & { readonly format?: unknown };
    const { format, ...manifest } = value;
    const whole =
      format === FORMAT &&
      typeof manifest.name === 'string' &&
      typeof manifest.sha256 === 'string' &&
      Number.isSafeInteger(manifest.records) &&
      Number.isSafeInteger(manifest.size_bytes) &&
      typeof manifest.position === 'object' &&
      typeof manifest.layout?.format === 'string';
    return whole ? (manifest as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

export function endFrom(text: string): PullResult | undefined {
  try {
    const value = JSON.parse(text) as Partial<PullResult>;
    return typeof value.caught_up === 'boolean' && typeof value.position === 'object'
      ? (value as PullResult)
      : undefined;
  } catch {
    return undefined;
  }
}
