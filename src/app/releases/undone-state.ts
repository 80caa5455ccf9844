import type { Ledger } from '../../core/ports/ledger.ts';

/** What is in force of undos now. */
export interface UndoneState {
  /** The newest undo. */
  readonly run_id: string;
  /** It undid this run and all after it. */
  readonly since_run: string;
  /** Tables that still are as it left them. */
  readonly tables: readonly string[];
  /** Input files that are left alone because of undos. */
  readonly files: number;
  /** False: a process died over it; the next command that writes finishes it. */
  readonly finished: boolean;
}

/** Undefined when no table is as an undo left it and no file is left alone. */
export function undoneState(ledger: Ledger): UndoneState | undefined {
  const newest = ledger.undos().at(-1);
  if (newest === undefined) return undefined;
  const tables = newest.tables.filter((table) => ledger.hold(table)?.run_id === newest.run_id);
  const files = ledger.undoneInputs().length;
  const { run_id, since_run, finished } = newest;
  return tables.length + files === 0 && finished ? undefined : { run_id, since_run, tables, files, finished };
}

/** The words for it, one line each. */
export function undoneWords(state: UndoneState): readonly string[] {
  const tables = `${state.tables.length} ${state.tables.length === 1 ? 'table is' : 'tables are'}`;
  const files = `${state.files} ${state.files === 1 ? 'file is' : 'files are'}`;
  return [
    ...(state.finished ? [] : [`undo ${state.run_id} was cut short: the next run or undo finishes it`]),
    ...(state.tables.length === 0 ? [] : [`undone: ${tables} as before run ${state.since_run}`]),
    ...(state.files === 0 ? [] : [`undone: ${files} not loaded; to load again: dataflow run --redo`]),
  ];
}
