/** What may happen to the columns of a source. */
export const DRIFTS = [
  'column_added',
  'column_removed',
  'column_renamed',
  'columns_reordered',
  'type_widened',
  'type_narrowed',
  'type_changed',
] as const;
export type Drift = (typeof DRIFTS)[number];

/** What is done about it. */
export const DRIFT_ACTIONS = [
  'added',
  'left_out',
  'rows_quarantined',
  'file_quarantined',
  'reads_null',
  'widened',
  'cast',
  'by_name',
] as const;
export type DriftAction = (typeof DRIFT_ACTIONS)[number];

/** One change of a source's columns, as one run (or its plan) met it. */
export interface DriftEvent {
  readonly source: string;
  readonly what: Drift;
  /** Absent for an order. */
  readonly column?: string;
  /** Type, name or order before and now. */
  readonly from?: string;
  readonly to?: string;
  readonly action: DriftAction;
  /** The first file that shows it, and how many do. */
  readonly file: string;
  readonly files: number;
  /** Records of these files that carry it. */
  readonly rows: number;
  /** Tables downstream, nearest first, and those of them whose definition names the column. */
  readonly affected: readonly string[];
  readonly named_in: readonly string[];
}

/** A recorded event. */
export interface DriftRecord extends DriftEvent {
  readonly run_id: string;
  readonly step_id: string;
  readonly recorded_at: string;
}

/** The event as one sentence, in the words that `plan`, `run` and `drift` share. */
export function driftText(event: DriftEvent): string {
  const told = sentence(event);
  if (event.affected.length === 0) return told;
  const named = event.named_in.length === 0 ? '' : ` (named in ${listed(event.named_in)})`;
  return `${told}; read by ${listed(event.affected)}${named}`;
}

/** So many tables are named in a sentence; the event has them all. */
const LISTED_MAX = 3;

function listed(tables: readonly string[]): string {
  const more = tables.length - LISTED_MAX;
  return `${tables.slice(0, LISTED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function sentence(event: DriftEvent): string {
  const { column = '', from, to, file } = event;
  const end = OUTCOMES[event.action];
  switch (event.what) {
    case 'column_added':
      if (event.action === 'added')
        return `column ${column}${to === undefined ? '' : ` (${to})`} was added, first seen in ${file}`;
      return `column ${column} of ${file} is not declared and not kept${end}`;
    case 'column_removed':
      return `column ${column} is missing in ${file}${end}`;
    case 'column_renamed':
      return `column ${from} is missing in ${file}, which has ${to} instead (renamed?)${end}`;
    case 'columns_reordered':
      return `the columns of ${file} are in another order: ${to}${end}`;
    case 'type_widened':
      return `column ${column} is ${to} in ${file}, wider than ${from}${end}`;
    case 'type_narrowed':
      return `column ${column} is ${to} in ${file}, narrower than ${from}${end}`;
    case 'type_changed':
      return `column ${column} is ${to} in ${file}, not ${from}${end}`;
  }
}

const OUTCOMES: Readonly<Record<DriftAction, string>> = {
  added: '',
  left_out: '',
  rows_quarantined: ': rows with a value in it are quarantined',
  file_quarantined: ': the file is quarantined',
  reads_null: ': it reads NULL there',
  widened: ': the table is widened',
  cast: ': values are cast, and those that would change are quarantined',
  by_name: ': they are read by name',
};
