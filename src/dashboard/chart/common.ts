import { formattedNumber, shortNumber } from '../format/number.ts';
import { formattedDate, formattedInstant, shortInstant } from '../format/time.ts';
import type { Look } from './drawing.ts';

export const HEIGHT = 300;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** What stands along an axis of names: dates as the language writes them. */
export function nameText(name: string, look: Look): string {
  return INSTANT.test(name) ? formattedInstant(name, look.language) : formattedDate(name, look.language);
}

/** The same where room is scarce: instants without their year. */
function axisText(name: string, look: Look): string {
  return INSTANT.test(name) ? shortInstant(name, look.language) : nameText(name, look);
}

export function valueText(value: number | undefined, format: string | undefined, look: Look): string {
  return value === undefined ? '–' : formattedNumber(value, format, look.language);
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

/** What all charts share: room, fonts, colours, the box beside the pointer. */
export function frame(look: Look): Record<string, unknown> {
  const { palette } = look;
  return {
    color: [...palette.series],
    textStyle: { fontFamily: FONT, fontSize: 12, color: palette.quiet },
    animationDuration: 350,
    animation: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
    grid: { left: 4, right: 12, top: 14, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      confine: true,
      transitionDuration: 0.1,
      backgroundColor: palette.surface,
      borderColor: palette.line,
      textStyle: { color: palette.ink, fontFamily: FONT, fontSize: 12 },
      padding: [6, 10],
    },
  };
}

const SIGN_WIDTH = 7;
const NAMES_ALL_MAX = 20;
const LYING_MAX = 40;
/** Dates along an axis explain each other; other names do not, and each is shown, aslant where there is no room. */
const DATE = /^\d{4}(-\d\d)?(-\d\d)?/;

/** Names below an axis that lies. */
export function nameAxis(names: readonly string[], look: Look): Record<string, unknown> {
  const axis = anyNameAxis(names, look);
  if (names.length > NAMES_ALL_MAX || names.every((name) => DATE.test(name))) return axis;
  const label = { ...(axis['axisLabel'] as object), hideOverlap: false, interval: 0 };
  return { ...axis, axisLabel: haveRoom(names, look) ? label : { ...label, rotate: 35, width: 110 } };
}

/** Whether names can stand beside each other below a chart. */
function haveRoom(names: readonly string[], look: Look): boolean {
  const longest = names.reduce((most, name) => Math.max(most, name.length), 0) * SIGN_WIDTH;
  return longest < (look.width - 60) / Math.max(1, names.length);
}

/** Whether bars with these names had better lie: each has a line of its own then. Days and months go on from left to right. */
export function betterLying(names: readonly string[], look: Look): boolean {
  if (names.length > LYING_MAX || names.every((name) => DATE.test(name))) return false;
  return !haveRoom(names, look);
}

/** Names beside an axis that stands, with a third of the width for them. */
export function standingNameAxis(names: readonly string[], look: Look): Record<string, unknown> {
  const axis = anyNameAxis(names, look);
  const width = Math.max(90, Math.min(240, look.width * 0.34));
  return { ...axis, inverse: true, axisLabel: { ...(axis['axisLabel'] as object), width } };
}

function anyNameAxis(names: readonly string[], look: Look): Record<string, unknown> {
  const { palette } = look;
  return {
    type: 'category',
    data: names.map((name) => axisText(name, look)),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: palette.line } },
    axisLabel: { color: palette.quiet, hideOverlap: true, overflow: 'truncate' },
  };
}

const TICK_WIDTH = 90;

/** @param lying it runs from left to right, so that its labels stand beside each other. */
export function valueAxis(format: string | undefined, look: Look, lying = false): Record<string, unknown> {
  const { palette } = look;
  return {
    type: 'value',
    splitNumber: lying ? Math.max(1, Math.min(4, Math.floor((look.width * 0.66) / TICK_WIDTH))) : 4,
    axisLabel: {
      color: palette.quiet,
      hideOverlap: true,
      formatter: (value: number) => shortNumber(value, format, look.language),
    },
    splitLine: { lineStyle: { color: palette.line } },
  };
}

export const LEGEND_ROW = 24;
const LEGEND = { mark: 31, gap: 14, rows_max: 5 } as const;

/** Names with their colours, all of them in as many rows as they need; only a great many are paged through. */
export function legend(look: Look, names: readonly string[]): { readonly option: object; readonly height: number } {
  const rows = legendRows(look, names);
  const option = {
    type: rows > LEGEND.rows_max ? 'scroll' : 'plain',
    top: 0,
    left: 0,
    icon: 'roundRect',
    itemWidth: 12,
    itemHeight: 8,
    itemGap: LEGEND.gap,
    textStyle: { color: look.palette.quiet },
    pageTextStyle: { color: look.palette.quiet },
    pageIconColor: look.palette.quiet,
    pageIconInactiveColor: look.palette.line,
  };
  return { option, height: (rows > LEGEND.rows_max ? 1 : rows) * LEGEND_ROW };
}

function legendRows({ width }: Look, names: readonly string[]): number {
  let [rows, used] = [1, 0];
  for (const name of names) {
    const own = name.length * SIGN_WIDTH + LEGEND.mark;
    if (used > 0 && used + own > width) [rows, used] = [rows + 1, 0];
    used += own;
  }
  return rows;
}
