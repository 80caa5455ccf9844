import type { WidgetShape } from '../../../core/contract/dashboard.ts';
import {
  betterLying,
  frame,
  HEIGHT,
  LEGEND_ROW,
  legend,
  nameAxis,
  nameText,
  standingNameAxis,
  valueAxis,
  valueText,
} from '../common.ts';
import type { Draw, Drawing, Look, Mark } from '../drawing.ts';
import { type AxisModel, axisModel, type Series } from '../model.ts';
import { tip } from '../tip.ts';

const BAR_HEIGHT = 30;
const POINTS_WITH_SYMBOLS_MAX = 40;
/** Besides the colour, series differ in their dashes and marks. */
const DASHES = ['solid', [6, 3], [2, 3], [10, 3, 2, 3]] as const;
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const;

/** Values along an axis: lines, areas, bars. */
export const drawAxis: Draw = (widget, rows, look) => {
  const model = axisModel(widget, rows);
  const lying = widget.kind === 'bar' && (widget.horizontal ?? betterLying(model.categories, look));
  const several = model.series.length > 1;
  const base = frame(look);
  const names = (lying ? standingNameAxis : nameAxis)(model.categories, look);
  const values = { ...valueAxis(widget.format, look, lying), ...rangeOf(widget, model) };
  const places = look.placesOf(
    widget.series,
    model.series.map(({ name }) => name),
  );
  const legends = legend(
    look,
    model.series.map(({ name }) => name),
  );
  const option = {
    ...base,
    grid: { ...(base['grid'] as object), top: several ? legends.height + 14 : 14, right: lying ? 20 : 12 },
    ...(several ? { legend: legends.option } : {}),
    xAxis: lying ? values : { ...names, boundaryGap: widget.kind === 'bar' || model.categories.length === 1 },
    yAxis: lying ? names : values,
    tooltip: { ...(base['tooltip'] as object), ...tooltipOf(widget, model, look) },
    series: model.series.map((series, i) => ({
      ...(widget.kind === 'bar' ? bar(widget, lying) : line(widget, series, places[i] ?? i)),
      ...common(series),
      color: look.palette.series[(places[i] ?? i) % look.palette.series.length],
    })),
  };
  const more = several ? legends.height - LEGEND_ROW : 0;
  const height = more + (lying ? Math.max(HEIGHT, model.categories.length * BAR_HEIGHT + 50) : HEIGHT);
  return { option, marks: marksOf(widget, model, look), height } satisfies Drawing;
};

function common({ name, points }: Series): object {
  return { name, data: points.map(({ value }) => value ?? null) };
}

function bar({ stacked }: WidgetShape, lying: boolean): object {
  return {
    type: 'bar',
    ...(stacked === true ? { stack: 'all' } : { itemStyle: { borderRadius: lying ? [0, 3, 3, 0] : [3, 3, 0, 0] } }),
    barMaxWidth: 38,
    emphasis: { focus: 'series' },
  };
}

function line({ kind, stacked }: WidgetShape, { points }: Series, i: number): object {
  return {
    type: 'line',
    ...(stacked === true ? { stack: 'all' } : {}),
    ...(kind === 'area' ? { areaStyle: { opacity: stacked === true ? 0.55 : 0.18 } } : {}),
    symbol: SYMBOLS[i % SYMBOLS.length],
    symbolSize: 6,
    showSymbol: points.length <= POINTS_WITH_SYMBOLS_MAX,
    lineStyle: { width: 2, type: DASHES[Math.floor(i / 2) % DASHES.length] },
    emphasis: { focus: 'series' },
  };
}

/** Bars and areas stand on zero. Lines far above it are shown from near, since their shape is what is looked at. */
function rangeOf({ kind }: WidgetShape, { series }: AxisModel): object {
  if (kind !== 'line') return {};
  const values = series.flatMap(({ points }) => points.flatMap(({ value }) => (value === undefined ? [] : [value])));
  const [least, most] = values.reduce(([a, b], one) => [Math.min(a, one), Math.max(b, one)], [Infinity, -Infinity]);
  return least > most / 2 ? { scale: true } : {};
}

function tooltipOf(widget: WidgetShape, model: AxisModel, look: Look): object {
  return {
    trigger: 'axis',
    axisPointer: { type: widget.kind === 'bar' ? 'shadow' : 'line' },
    formatter: (
      hits: readonly { readonly dataIndex: number; readonly seriesIndex: number; readonly color: string }[],
    ) => {
      const at = hits[0]?.dataIndex ?? 0;
      const lines = hits.map(({ seriesIndex, color }) => {
        const series = model.series[seriesIndex];
        return { color, name: series?.name ?? '', value: valueText(series?.points[at]?.value, widget.format, look) };
      });
      return tip(nameText(model.categories[at] ?? '', look), lines);
    },
  };
}

function marksOf(widget: WidgetShape, { series }: AxisModel, look: Look): readonly (readonly Mark[])[] {
  return series.map(({ name, points }, i) =>
    points.map((point, index) => ({
      series: i,
      index,
      text: `${series.length > 1 ? `${name}, ` : ''}${nameText(point.name, look)}: ${valueText(point.value, widget.format, look)}`,
    })),
  );
}
