const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;
const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of a duration such as `500ms`, `5m`, `2d`; undefined when the text is not one. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const factor = unit === undefined ? undefined : DURATION_MS[unit];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

const SIZE = /^(\d+(?:\.\d+)?) ?([KMGT]i?B|B)$/i;
const SIZE_POWER: Readonly<Record<string, number>> = { B: 0, K: 1, M: 2, G: 3, T: 4 };

/** Bytes of a size such as `512MB` (powers of 1000) or `4GiB` (powers of 1024); undefined when the text is not one. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = SIZE.exec(text) ?? [];
  if (unit === undefined) return undefined;
  const power = SIZE_POWER[unit.charAt(0).toUpperCase()] ?? 0;
  const base = unit.length === 3 ? 1024 : 1000;
  return Math.round(Number(amount) * base ** power);
}

/** A whole number for people: `12,345`. The system's own way of writing numbers takes some 12 ms when it is first asked. */
export function groupedDigits(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

const SIZE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** A size for people: `512 B`, `12.3 MB`; in powers of 1000, as sizes are written in `pipelines.yaml`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}
