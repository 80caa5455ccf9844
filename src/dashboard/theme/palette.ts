/** Which of the two sets of colours is drawn with. */
export type Theme = 'light' | 'dark';

/** Colours of what is drawn; what is styled has them in styles/base.css. */
export interface Palette {
  readonly surface: string;
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  /**
   * Colours of series, in this order. Chosen so that any two differ also for people who see no red, no green or no blue, and each stands out
   * from the surface (test/dashboard/pure.test.ts measures both).
   */
  readonly series: readonly string[];
  /** From little to much. */
  readonly scale: readonly string[];
}

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: {
    surface: '#ffffff',
    ink: '#171c24',
    quiet: '#545e6c',
    line: '#dfe3e9',
    series: [
      '#1f6fb5',
      '#d08139',
      '#3d3b8b',
      '#9c7479',
      '#590b05',
      '#3399d6',
      '#a44f13',
      '#69536e',
      '#87291e',
      '#33244b',
    ],
    scale: ['#e6f0fa', '#a9cdef', '#5fa0d8', '#2a70b3', '#0f3f73'],
  },
  dark: {
    surface: '#1a2028',
    ink: '#e8ecf1',
    quiet: '#a3aebb',
    line: '#36414e',
    series: [
      '#6db3f2',
      '#d6b247',
      '#af5331',
      '#a5bea0',
      '#546bbd',
      '#73eafe',
      '#86667b',
      '#d9dc96',
      '#699d81',
      '#b88513',
    ],
    scale: ['#1d2f42', '#24527d', '#3a7fbb', '#74b3e8', '#d3e9fd'],
  },
};

type Rgb = readonly [number, number, number];

function rgbOf(hex: string): Rgb {
  const at = (from: number): number => Number.parseInt(hex.slice(from, from + 2), 16);
  return [at(1), at(3), at(5)];
}

/** The colour at `share` (0 to 1) of a scale, between its two nearest steps. */
export function scaleColor(scale: readonly string[], share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (scale.length - 1);
  const low = Math.min(Math.floor(place), scale.length - 2);
  const [a, b] = [rgbOf(scale[low] ?? '#000000'), rgbOf(scale[low + 1] ?? '#000000')];
  const mixed = a.map((one, i) => Math.round(one + ((b[i] ?? one) - one) * (place - low)));
  return `#${mixed.map((one) => one.toString(16).padStart(2, '0')).join('')}`;
}

/** Relative luminance, as WCAG defines it. */
function luminance(hex: string): number {
  const [r, g, b] = rgbOf(hex).map((one) => (one <= 10 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

/** How far two colours are apart, from 1 to 21. */
export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** Black or white, whichever is read better on a colour. */
export function inkOn(color: string): string {
  return contrast(color, '#ffffff') >= contrast(color, '#000000') ? '#ffffff' : '#000000';
}
