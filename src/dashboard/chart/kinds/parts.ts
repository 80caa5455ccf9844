import { formattedNumber, shortNumber } from '../../format/number.ts';
import { inkOn, scaleColor } from '../../theme/palette.ts';
import { frame, HEIGHT, LEGEND_ROW, legend, valueText } from '../common.ts';
import type { Draw, Look, Mark } from '../drawing.ts';
import { type Point, partsModel } from '../model.ts';
import { tip } from '../tip.ts';

const PIE_PARTS_MAX = 10;
const TREE_PARTS_MAX = 200;
const NARROW = 430;
/** Radii in pixels, where the legend below takes the room that it needs. */
const RING = { hole: 62, narrow: 112 } as const;
/** What fits into a small tile. */
const TILE_TEXT_MAX = 10;

interface Hit {
  readonly name: string;
  readonly value: number;
  readonly color: string;
}

function sumOf(parts: readonly Point[]): number {
  return parts.reduce((sum, { value = 0 }) => sum + value, 0);
}

function shareText(value: number, sum: number, look: Look): string {
  return formattedNumber(sum === 0 ? 0 : value / sum, '0.0%', look.language);
}

/** Name, size and share of the part that is pointed at. */
function tooltipOf(parts: readonly Point[], format: string | undefined, look: Look): object {
  const sum = sumOf(parts);
  return {
    trigger: 'item',
    formatter: ({ name, value, color }: Hit) =>
      tip('', [{ color, name, value: `${valueText(value, format, look)} (${shareText(value, sum, look)})` }]),
  };
}

function marksOf(parts: readonly Point[], format: string | undefined, look: Look, from: number): readonly Mark[] {
  const sum = sumOf(parts);
  return parts.map(({ name, value = 0 }, i) => ({
    series: 0,
    index: i + from,
    text: `${name}: ${valueText(value, format, look)} (${shareText(value, sum, look)})`,
  }));
}

/** Few parts of a whole, as a ring. */
export const drawPie: Draw = (widget, rows, look) => {
  const parts = partsModel(widget, rows, PIE_PARTS_MAX, look.words.other);
  const base = frame(look);
  const narrow = look.width < NARROW;
  const sum = sumOf(parts);
  const rest = parts.length === PIE_PARTS_MAX && parts.at(-1)?.name === look.words.other ? 1 : 0;
  const named = parts.slice(0, parts.length - rest).map(({ name }) => name);
  const places = look.placesOf(widget.name, named);
  const legends = legend(
    look,
    parts.map(({ name }) => name),
  );
  const more = narrow ? legends.height - LEGEND_ROW : 0;
  const option = {
    ...base,
    tooltip: { ...(base['tooltip'] as object), ...tooltipOf(parts, widget.format, look) },
    ...(narrow ? { legend: { ...legends.option, top: 'bottom', left: 'center' } } : {}),
    series: [
      {
        type: 'pie',
        radius: narrow ? [RING.hole, RING.narrow] : ['45%', '74%'],
        center: ['50%', narrow ? RING.narrow + 12 : '50%'],
        itemStyle: { borderColor: look.palette.surface, borderWidth: 2 },
        label: {
          show: !narrow,
          color: look.palette.ink,
          formatter: ({ name, value }: Hit) => `${name}  ${shareText(value, sum, look)}`,
        },
        labelLine: { length: 8, length2: 8 },
        data: parts.map(({ name, value }, i) => {
          const color = look.palette.series[(places[i] ?? i) % look.palette.series.length];
          return { name, value, itemStyle: { color: i < named.length ? color : look.palette.line } };
        }),
      },
    ],
  };
  return { option, marks: [marksOf(parts, widget.format, look, 0)], height: HEIGHT + more };
};

/** In short where it is long: the whole number is in the box beside the pointer and in the table. */
function tileText(value: number, format: string | undefined, look: Look): string {
  const text = valueText(value, format, look);
  return text.length > TILE_TEXT_MAX ? shortNumber(value, format, look.language) : text;
}

/** Many parts of a whole, as areas; the darker, the more. */
export const drawTreemap: Draw = (widget, rows, look) => {
  const parts = partsModel(widget, rows, TREE_PARTS_MAX, look.words.other);
  const base = frame(look);
  const { scale, surface } = look.palette;
  const [most = 1, least = 0] = [parts[0]?.value, parts.at(-1)?.value];
  const option = {
    ...base,
    tooltip: { ...(base['tooltip'] as object), ...tooltipOf(parts, widget.format, look) },
    series: [
      {
        type: 'treemap',
        left: 0,
        right: 0,
        top: 0,
        bottom: 0,
        roam: false,
        nodeClick: false,
        breadcrumb: { show: false },
        itemStyle: { borderColor: surface, borderWidth: 0, gapWidth: 2 },
        data: parts.map(({ name, value = 0 }) => {
          const color = scaleColor(scale, most === least ? 0.7 : 0.3 + (0.7 * (value - least)) / (most - least));
          return { name, value, itemStyle: { color }, label: { color: inkOn(color) } };
        }),
        label: {
          formatter: ({ name, value }: Hit) => `${name}\n${tileText(value, widget.format, look)}`,
          overflow: 'truncate',
          lineHeight: 17,
        },
      },
    ],
  };
  // The whole is the first of a tree's nodes.
  return { option, marks: [marksOf(parts, widget.format, look, 1)], height: HEIGHT };
};
