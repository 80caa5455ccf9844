import type { CsvDialect } from './engine.ts';
import type { KnownInput } from './source.ts';

/** A unit of input whose rows left the lake with an undo. It is known by its bytes: renamed or touched, it stays undone. */
export interface UndoneInput extends KnownInput {
  readonly source: string;
  readonly status: 'undone';
  /** The run that had taken it. */
  readonly run_id: string;
  /** The undo. */
  readonly undone_by: string;
}

/** Why a step does not run although its definition or its inputs differ from those of the rows that an undo brought back. */
export interface Hold {
  /** The undo. */
  readonly run_id: string;
  /** Definition and input versions as they were when the undo took place: as long as they stay, the step is held. */
  readonly code_fingerprint?: string;
  readonly inputs: Readonly<Record<string, number>>;
  /** The table was emptied, since it did not exist before: there is nothing to build on. */
  readonly emptied: boolean;
}

/** What an undo of one table changes in the ledger beside its step record. */
export interface UndoOutcomeOf<Input> {
  /** The first of the runs that were undone: this one and all after it. */
  readonly since_run: string;
  /** The version whose rows are back; -1: none, the table is empty. */
  readonly restored_version: number;
  /** For bronze: units whose rows left the table, and units as they are known again. */
  readonly inputs_undone: readonly Omit<UndoneInput, 'source' | 'undone_by' | 'status'>[];
  readonly inputs_back: readonly Input[];
  /** For bronze: the source's recorded layout as it was; null: none was recorded. */
  readonly dialect?: CsvDialect | null;
  /** Present when decisions about the table's rejected rows went back: those that are in force again, of those that the lake held by `up_to`. */
  readonly decisions?: { readonly in_force: readonly number[]; readonly up_to: number };
  readonly hold: Omit<Hold, 'run_id'>;
}

/** From which version a table goes back to which; -1: to before its first one, which empties it. */
export interface UndoMove {
  readonly from: number;
  readonly to: number;
}

/** What is to be done to one table and those that go with it, written down before anything is done. */
export interface UndoTablePlanOf<Outcome> {
  /** `silver.achats`. */
  readonly step: string;
  /** Absent: only what goes with it changes. */
  readonly table?: UndoMove;
  /** The decisions about its rejected rows, and its quarantine: they go back first. */
  readonly beside: readonly (UndoMove & { readonly table: string })[];
  /** All that the ledger learns; its output version is that of the commit. */
  readonly outcome: Outcome;
}

/** An undo as the ledger keeps it. */
export interface UndoRecordOf<Outcome> {
  /** The undo is a run itself. */
  readonly run_id: string;
  /** The first of the runs that it undid: this one and all after it. */
  readonly since_run: string;
  /** Tables that it covered. */
  readonly tables: readonly string[];
  readonly finished: boolean;
  /** Present while it is not finished. */
  readonly plan?: readonly UndoTablePlanOf<Outcome>[];
}

/** The ledger's part in going back. */
export interface UndoLedgerOf<Run, Step, Input, Outcome> {
  /** Ids of all runs, oldest first. */
  runIds(): readonly string[];
  /** Oldest first. */
  undos(): readonly UndoRecordOf<Outcome>[];
  /** Records the run and what it is going to do, in one transaction. From here on it is finished, by this process or by the next. */
  startUndo(run: Run, undo: UndoRecordOf<Outcome>): void;
  finishUndo(run_id: string): void;
  undoneInputs(source?: string): readonly UndoneInput[];
  /** A known undone unit was seen under another name, or with another time. */
  rememberUndone(inputs: readonly UndoneInput[]): void;
  /** The hold of a step whose newest success is an undo. */
  hold(step: string): Hold | undefined;
  /** Newest success of a step outside these runs. */
  lastSuccessOutside(step: string, run_ids: ReadonlySet<string>): Step | undefined;
  /** Paths of loaded units whose rows were removed once because they were gone, and came back with an undo. */
  removalsUndone(source: string): ReadonlySet<string>;
  /** The units of a source as they would be known without these runs. */
  inputsOutside(source: string, run_ids: ReadonlySet<string>): readonly Input[];
  dialectOutside(source: string, run_ids: ReadonlySet<string>): CsvDialect | undefined;
}
