import { formattedNumber } from '../../format/number.ts';
import { inkOn, scaleColor } from '../../theme/palette.ts';
import { frame, HEIGHT, legend, valueText } from '../common.ts';
import type { Draw, Look, Mark } from '../drawing.ts';
import { type Point, partsModel } from '../model.ts';
import { tip } from '../tip.ts';

const PIE_PARTS_MAX = 10;
const TREE_PARTS_MAX = 200;
const NARROW = 430;

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
  const option = {
    ...base,
    tooltip: { ...(base['tooltip'] as object), ...tooltipOf(parts, widget.format, look) },
    ...(narrow ? { legend: { ...legend(look), top: 'bottom', left: 'center' } } : {}),
    series: [
      {
        type: 'pie',
        radius: narrow ? ['38%', '68%'] : ['45%', '74%'],
        center: ['50%', narrow ? '44%' : '50%'],
        itemStyle: { borderColor: look.palette.surface, borderWidth: 2 },
        label: {
          show: !narrow,
          color: look.palette.ink,
          formatter: ({ name, value }: Hit) => `${name}  ${shareText(value, sum, look)}`,
        },
        labelLine: { length: 8, length2: 8 },
        data: parts.map(({ name, value }, i) =>
          i === PIE_PARTS_MAX - 1 && name === look.words.other
            ? { name, value, itemStyle: { color: look.palette.line } }
            : { name, value },
        ),
      },
    ],
  };
  return { option, marks: [marksOf(parts, widget.format, look, 0)], height: HEIGHT };
};

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
          formatter: ({ name, value }: Hit) => `${name}\n${valueText(value, widget.format, look)}`,
          overflow: 'truncate',
          lineHeight: 17,
        },
      },
    ],
  };
  // The whole is the first of a tree's nodes.
  return { option, marks: [marksOf(parts, widget.format, look, 1)], height: HEIGHT };
};
