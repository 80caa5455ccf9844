import { cellWidth, cutBetweenWords, escapeControls, padToWidth } from '../kit/terminal-text.ts';
import { type Line, type Segment, segment, type Tone } from './line.ts';

/** One column of a list. */
export interface ListColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The column that gives way: it is cut when there is no room, and takes what is left. Others are shown whole or not at all. */
  readonly gives_way?: boolean;
  /** When there is no room the column with the highest number goes first; without one it stays. */
  readonly drop?: number;
}

export interface ListCell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface ListRow {
  readonly cells: readonly (ListCell | string)[];
  readonly chosen?: boolean;
}

const GAP = 2;
/** A column that gives way keeps so many cells. */
const LEAST = 18;

/** A heading and rows in so many cells. Numbers stand whole or not at all. */
export function listLines(columns: readonly ListColumn[], rows: readonly ListRow[], width: number): readonly Line[] {
  const texts = rows.map((row) => row.cells.map(cellOf));
  const widths = columns.map((column, i) =>
    Math.max(cellWidth(column.title), ...texts.map((cells) => cellWidth(cells[i]?.text ?? ''))),
  );
  const { kept, cells } = shared(columns, widths, width);
  const put = (contents: readonly ListCell[], chosen: boolean): Line => ({
    segments: kept.flatMap((i, place): Segment[] => {
      const { text, tone = 'plain' } = contents[i] ?? { text: '' };
      const room = cells[place] ?? 0;
      const gap = place === 0 ? '' : ' '.repeat(GAP);
      return [segment(gap + padToWidth(cutBetweenWords(text, room), room, columns[i]?.align ?? 'left'), tone)];
    }),
    ...(chosen ? { chosen } : {}),
  });
  const heading = put(
    columns.map(({ title }) => ({ text: title, tone: 'dim' })),
    false,
  );
  return [heading, ...texts.map((contents, i) => put(contents, rows[i]?.chosen === true))];
}

/** Which columns are shown, and their cells. */
function shared(
  columns: readonly ListColumn[],
  widths: readonly number[],
  width: number,
): { readonly kept: readonly number[]; readonly cells: readonly number[] } {
  let kept = columns.map((_, i) => i);
  const needed = (i: number): number =>
    columns[i]?.gives_way === true ? Math.min(widths[i] ?? 0, LEAST) : (widths[i] ?? 0);
  const taken = (): number => kept.reduce((sum, i) => sum + needed(i), 0) + GAP * (kept.length - 1);
  while (taken() > width) {
    const drops = kept.filter((i) => columns[i]?.drop !== undefined);
    const worst = drops.reduce<number | undefined>(
      (one, i) => (one === undefined || (columns[i]?.drop ?? 0) > (columns[one]?.drop ?? 0) ? i : one),
      undefined,
    );
    if (worst === undefined) break;
    kept = kept.filter((i) => i !== worst);
  }
  let spare = Math.max(0, width - taken());
  const cells = kept.map((i) => {
    const more = columns[i]?.gives_way === true ? Math.min(spare, (widths[i] ?? 0) - needed(i)) : 0;
    spare -= more;
    return needed(i) + more;
  });
  return { kept, cells };
}

function cellOf(cell: ListCell | string): ListCell {
  return typeof cell === 'string' ? { text: escapeControls(cell) } : { ...cell, text: escapeControls(cell.text) };
}
