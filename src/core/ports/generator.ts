import type { Project } from '../model/project.ts';
import type { EngineSession } from './engine.ts';
import type { CheckComponent } from './rule.ts';

export interface GeneratorOptions {
  /** Rows of the main source (the last whose rows belong to those of another), or of each source by name; the rest follows. */
  readonly rows?: number | Readonly<Record<string, number>>;
  /** Sources to make data for; default: those with a `generate:` of their own, else those of files, else all. */
  readonly sources?: readonly string[];
  /** The same seed gives the same bytes. */
  readonly seed: number;
  /** Share of faulty rows, 0..1. */
  readonly bad_share: number;
  readonly format: 'csv' | 'ndjson' | 'parquet';
  readonly gzip: boolean;
}

/** Makes data from a project's columns, keys, references and rules. */
export interface DataGenerator {
  /**
   * Decides what is made; nothing is written yet. The maker lives as long as the session.
   * @throws DataflowError E_USAGE, E_CONFIG_REFERENCE or E_CONFIG_CYCLE when the project does not allow it.
   */
  prepare(session: EngineSession, project: Project, options: GeneratorOptions): Promise<DataMaker>;
}

export interface DataMaker {
  /** One file per source, parents first. */
  readonly files: readonly PlannedFile[];
  /** Writes the file of a source under the given name; returns its rows. */
  write(source: string, uri: string): Promise<number>;
  /** About how many bytes the file will have; undefined when that is hard to say. */
  estimate(source: string): Promise<number | undefined>;
  /** Counts what a run over this data must find. @param now_iso what `not_future` compares with */
  expect(checks: ReadonlyMap<string, CheckComponent>, now_iso: string): Promise<Expected>;
}

export interface PlannedFile {
  readonly source: string;
  /** Folder as the source's path has it, relative to the project unless absolute; '' for the project folder itself. */
  readonly folder: string;
  readonly name: string;
  readonly rows: number;
  /** False: the source's own path would not find the file. */
  readonly found_by_source: boolean;
}

/** What a run over generated data must find. Row balances as in the ledger. */
export interface Expected {
  readonly faults: readonly {
    readonly source: string;
    readonly kind: string;
    readonly column: string;
    readonly rows: number;
  }[];
  /** By source: records in the file, those that parsing refuses, rows in bronze. */
  readonly bronze: Readonly<
    Record<string, { readonly records: number; readonly rejected: number; readonly rows: number }>
  >;
  readonly silver: Readonly<Record<string, ExpectedSilver>>;
  /** Silver tables about which nothing can be said, with the reason. */
  readonly unknown: Readonly<Record<string, string>>;
}

export interface ExpectedSilver {
  readonly rows_in: number;
  readonly rows_out: number;
  readonly quarantined: number;
  readonly deduplicated: number;
  readonly filtered: number;
  /** Quarantined rows by the name of the rule. */
  readonly by_rule: Readonly<Record<string, number>>;
}
