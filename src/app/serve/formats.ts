import { ParameterError } from './parameter-error.ts';
import { shown } from './values.ts';

/** Forms that rows are given in, with the type of their content. */
export const ROW_FORMATS = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  arrow: 'application/vnd.apache.arrow.stream',
} as const;
export type RowFormat = keyof typeof ROW_FORMATS;
/** Those of which an answer is lines of text. */
export type LineFormat = Exclude<RowFormat, 'json' | 'arrow'>;

const NAMES = Object.keys(ROW_FORMATS) as readonly RowFormat[];

/** `format=` of a request, else the first of its `Accept` that there is, else JSON. @throws ParameterError */
export function formatOf(word: string | undefined, accept: string | undefined): RowFormat {
  if (word !== undefined) {
    const found = NAMES.find((one) => one === word);
    if (found === undefined) throw new ParameterError('format', `${shown(word)} is not allowed`, NAMES.join(', '));
    return found;
  }
  if (accept === undefined || accept === '*/*') return 'json';
  const types = accept.split(',').map((one) => one.split(';')[0]?.trim().toLowerCase());
  const wanted = types.find((type) => NAMES.some((name) => typeOf(name) === type));
  return NAMES.find((name) => typeOf(name) === wanted) ?? 'json';
}

function typeOf(format: RowFormat): string {
  return ROW_FORMATS[format].split(';')[0] ?? '';
}
