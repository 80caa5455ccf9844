import type { Cell, WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import { isNumeric } from '../format/cell.ts';
import { numberOf } from '../format/number.ts';

/** A value of a chart that can be pointed at. */
export interface Point {
  readonly name: string;
  /** Undefined: there is none, which is drawn as a gap. */
  readonly value: number | undefined;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** Values along an axis: line, area, bar. All series have a point for each category. */
export interface AxisModel {
  readonly categories: readonly string[];
  readonly series: readonly Series[];
}

export interface BoxModel {
  readonly boxes: readonly { readonly name: string; readonly five: readonly number[] }[];
}

export interface HeatModel {
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly cells: readonly { readonly column: number; readonly row: number; readonly value: number }[];
  readonly least: number;
  readonly most: number;
}

type Columns = WidgetRows['columns'];

const textOf = (cell: Cell | undefined): string => (cell === null || cell === undefined ? '–' : String(cell));
const placeOf = (columns: Columns, name: string | undefined): number =>
  columns.findIndex((column) => column.name === name);

/** `chiffre_affaires` → `Chiffre affaires`, where nobody gave a title. */
export function titleOf(column: string): string {
  const words = column.replaceAll('_', ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Where the axis and the values stand: as declared, else the first column, and the numbers among the others. */
function axisPlaces({ x, y, series }: WidgetShape, columns: Columns): { x: number; y: number[]; series: number } {
  const at = Math.max(0, placeOf(columns, x));
  const by = placeOf(columns, series);
  const declared = (y ?? []).map((name) => placeOf(columns, name)).filter((place) => place !== -1);
  const numbers = columns.flatMap(({ type }, i) => (i !== at && i !== by && isNumeric(type) ? [i] : []));
  return { x: at, y: declared.length > 0 ? declared : numbers, series: by };
}

export function axisModel(widget: WidgetShape, { columns, rows }: WidgetRows): AxisModel {
  const places = axisPlaces(widget, columns);
  const categories = [...new Set(rows.map((row) => textOf(row[places.x])))];
  const values = new Map<string, Map<string, number | undefined>>();
  for (const row of rows)
    for (const place of places.y) {
      const name = seriesName(widget, columns, places, row, place);
      const of = values.get(name) ?? new Map<string, number | undefined>();
      of.set(textOf(row[places.x]), numberOf(row[place]));
      values.set(name, of);
    }
  const series = [...values].map(([name, of]) => ({
    name,
    points: categories.map((category) => ({ name: category, value: of.get(category) })),
  }));
  return { categories, series };
}

function seriesName(
  { title }: WidgetShape,
  columns: Columns,
  places: { readonly y: readonly number[]; readonly series: number },
  row: readonly Cell[],
  place: number,
): string {
  const column = titleOf(columns[place]?.name ?? '');
  if (places.series === -1) return places.y.length === 1 ? title : column;
  const name = textOf(row[places.series]);
  return places.y.length === 1 ? name : `${name}, ${column}`;
}

/** Parts of a whole, the greatest first; beyond `parts_max` the smallest become one. */
export function partsModel(
  widget: WidgetShape,
  { columns, rows }: WidgetRows,
  parts_max: number,
  other: string,
): readonly Point[] {
  const name = Math.max(0, placeOf(columns, widget.name));
  const value = placeOf(columns, widget.value);
  const parts = rows
    .map((row) => ({ name: textOf(row[name]), value: numberOf(row[value === -1 ? 1 : value]) ?? 0 }))
    .filter((part) => part.value > 0)
    .sort((a, b) => b.value - a.value);
  if (parts.length <= parts_max) return parts;
  const small = parts.slice(parts_max - 1).reduce((sum, part) => sum + part.value, 0);
  return [...parts.slice(0, parts_max - 1), { name: other, value: small }];
}

export function boxModel(widget: WidgetShape, { columns, rows }: WidgetRows): BoxModel {
  const { min = 'min', q1 = 'q1', median = 'median', q3 = 'q3', max = 'max' } = widget.box ?? {};
  const x = Math.max(0, placeOf(columns, widget.x));
  const places = [min, q1, median, q3, max].map((name) => placeOf(columns, name));
  const boxes = rows.flatMap((row) => {
    const five = places.map((place) => numberOf(row[place]));
    return five.every((one) => one !== undefined) ? [{ name: textOf(row[x]), five }] : [];
  });
  return { boxes };
}

export function heatModel(widget: WidgetShape, { columns, rows }: WidgetRows): HeatModel {
  const x = Math.max(0, placeOf(columns, widget.x));
  const y = Math.max(0, placeOf(columns, widget.series));
  const value = axisPlaces(widget, columns).y[0] ?? -1;
  const names = { columns: new Map<string, number>(), rows: new Map<string, number>() };
  const placed = (among: Map<string, number>, name: string): number => {
    const known = among.get(name) ?? among.size;
    among.set(name, known);
    return known;
  };
  const cells = rows.flatMap((row) => {
    const number = numberOf(row[value]);
    const [column, at] = [placed(names.columns, textOf(row[x])), placed(names.rows, textOf(row[y]))];
    return number === undefined ? [] : [{ column, row: at, value: number }];
  });
  const values = cells.map((cell) => cell.value);
  return {
    columns: [...names.columns.keys()],
    rows: [...names.rows.keys()],
    cells,
    least: values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    most: values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  };
}
