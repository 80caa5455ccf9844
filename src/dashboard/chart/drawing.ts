import type { EChartsCoreOption } from 'echarts/core';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import type { Palette } from '../theme/palette.ts';
import type { Words } from '../words/en.ts';

/** @param column undefined where names are of nothing that other charts show, too. */
export type PlacesOf = (column: string | undefined, names: readonly string[]) => readonly number[];

/** What decides how something is drawn besides its rows. */
export interface Look {
  readonly palette: Palette;
  readonly language: string;
  readonly words: Words;
  /** Places in the palette of the names that stand in a column: a name has one colour in all charts of a page. */
  readonly placesOf: PlacesOf;
  /** Room in pixels; narrow charts leave labels out. */
  readonly width: number;
}

/** A mark that the keyboard can reach, and what is said of it. */
export interface Mark {
  readonly series: number;
  readonly index: number;
  readonly text: string;
}

/** A chart ready to be drawn. */
export interface Drawing {
  readonly option: EChartsCoreOption;
  /** Rows of marks: the arrows go along a row, and from row to row. */
  readonly marks: readonly (readonly Mark[])[];
  readonly height: number;
}

/** One kind of chart: from rows to a drawing. Pure. */
export type Draw = (widget: WidgetShape, rows: WidgetRows, look: Look) => Drawing;
