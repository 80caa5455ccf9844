import { DataflowError } from '../errors/dataflow-error.ts';

/** Samples are counted in rows per so many. */
export const SAMPLE_OF = 10_000;
/** Input tables of up to so many rows are taken whole: the rows of a large one would find no partners otherwise. */
export const WHOLE_ROWS_MAX = 10_000;
/** Whole files are taken where the sample has so many of them. */
const FILES_MIN = 20;
/** Without a divisor in common with {@link SAMPLE_OF}: of so many rows in a row, exactly the wanted number is taken, spread over them. */
const SPREAD = 7919;

/** `--sample`: percent, with up to two decimals. @returns rows per {@link SAMPLE_OF}. @throws DataflowError E_USAGE */
export function sampleFrom(text: string): number {
  const rows = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Math.round(Number.parseFloat(text) * 100) : 0;
  if (rows >= 1 && rows <= SAMPLE_OF) return rows;
  throw new DataflowError('E_USAGE', `--sample wants a percentage from 0.01 to 100, not "${text}"`, {
    hint: 'dataflow parity --sample 5',
  });
}

/** Whether the entry at a position (from 0) belongs to a sample. */
export function isSampled(position: number, sample: number): boolean {
  return (position * SPREAD) % SAMPLE_OF < sample;
}

/** The same as an SQL condition over the position of a row in its file and that of the file. */
export function sampledSql(position: string, part: string, sample: number): string {
  return `(${position} * ${SPREAD} + ${part} * 4099) % ${SAMPLE_OF} < ${sample}`;
}

/** What of a table belongs to a sample: everything, some of its files as a whole, or some rows of every file. */
export function sampleOf<F>(
  table: { readonly rows: number; readonly files: readonly F[] },
  sample: number,
): 'all' | 'rows' | readonly F[] {
  if (sample >= SAMPLE_OF || table.rows <= WHOLE_ROWS_MAX) return 'all';
  if ((table.files.length * sample) / SAMPLE_OF < FILES_MIN) return 'rows';
  return table.files.filter((_, position) => isSampled(position, sample));
}
