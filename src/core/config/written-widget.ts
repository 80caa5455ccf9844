import {
  type ChangeSpec,
  WIDGET_KINDS,
  type WidgetKind,
  type WidgetSource,
  type WidgetSpec,
} from '../model/dashboard.ts';

/** Widths of widgets that do not say theirs, in twelfths. */
const WIDTHS: Readonly<Partial<Record<WidgetKind, number>>> = { metric: 3, table: 12, text: 12 };

/** The kinds that a widget names: it should be one. */
export function kindsOf(one: object): readonly WidgetKind[] {
  return WIDGET_KINDS.filter((kind) => (one as Record<string, unknown>)[kind] !== undefined);
}

/** A widget as it was written: what a kind needs stands under the kind's name. */
interface Written {
  readonly id?: string | undefined;
  readonly label?: string | undefined;
  readonly description?: string | undefined;
  readonly width?: number | undefined;
  readonly format?: string | undefined;
  readonly change?: ChangeSpec | undefined;
}

/** What stands under the name of a kind, where it is a map. */
interface Own extends WidgetSource, Pick<WidgetSpec, 'x' | 'series' | 'stacked' | 'horizontal' | 'name' | 'value'> {
  /** One column in a heat map. */
  readonly y?: string | readonly string[];
  readonly columns?: WidgetSpec['columns'];
  readonly page_rows?: number;
  readonly min: string;
  readonly q1: string;
  readonly median: string;
  readonly q3: string;
  readonly max: string;
}

/** The widget that was meant. Its id is empty when none was given, and so is its label. */
export function widgetOf(written: Written): WidgetSpec {
  const [kind = 'text'] = kindsOf(written);
  const own = (written as Readonly<Record<string, unknown>>)[kind];
  const { id = '', label = '', description, format, change, width = WIDTHS[kind] ?? 6 } = written;
  const common = { id, kind, label, description, width, format, change };
  if (kind === 'text') return { ...common, text: String(own) };
  const nothing = { filters: {}, order: [] };
  if (typeof own === 'string')
    return kind === 'table'
      ? { ...common, source: { ...nothing, table: own }, page_rows: 25 }
      : { ...common, source: { ...nothing, sql: own } };
  const { table, sql, where, filters, order, limit, y, min, q1, median, q3, max, ...rest } = own as Own;
  const source = { table, sql, where, filters, order, limit };
  const shown = { ...common, source, ...rest };
  if (kind === 'boxplot') return { ...shown, box: { min, q1, median, q3, max } };
  if (typeof y === 'string') return { ...shown, series: y };
  return y === undefined ? shown : { ...shown, y };
}
