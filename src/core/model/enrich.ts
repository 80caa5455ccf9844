/** A column that a lookup adds. */
export interface AddedColumn {
  /** Where its value is: a path into the answer, or a column of the other table. */
  readonly from: string;
  /** Canonical type; without it text as it was answered, or the type of the other table's column. */
  readonly type?: string;
}

interface EnrichBase {
  /** What looks it up: `table`, or a kind of lookup such as `http`. */
  readonly lookup: string;
  /** Name of the rule that a row without an answer breaks. */
  readonly name: string;
  readonly add: Readonly<Record<string, AddedColumn>>;
  /** What becomes of a row without an answer; `keep` leaves the added columns NULL. */
  readonly on_failure: 'quarantine' | 'keep';
  /** What becomes of a row that has no value to ask for. */
  readonly on_null: 'keep' | 'quarantine';
}

/** Values come from another table of the lake. */
export interface TableEnrich extends EnrichBase {
  readonly table: string;
  /** Column of the row → column of the other table. */
  readonly on: Readonly<Record<string, string>>;
}

/** Values come from a system that is asked once for each distinct key. */
export interface AskedEnrich extends EnrichBase {
  /** The entry of `connections:` that is asked. */
  readonly connection?: string;
  /** Columns whose values make up one question. */
  readonly columns: readonly string[];
  /** What decides the answers, beside the key: the same question has the same text. No secrets. */
  readonly question: string;
  /** An answer counts for so long; 0 = only within the run that got it. */
  readonly cache_days: number;
  /** Questions under way at a time. */
  readonly concurrency: number;
  /** More new keys without an answer than this fail the step. */
  readonly failed_max_pct: number;
  /** The kind's own, validated options. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** One entry of `enrich:`. */
export type EnrichSpec = TableEnrich | AskedEnrich;

export function looksIntoTable(spec: EnrichSpec): spec is TableEnrich {
  return 'table' in spec;
}

/** Columns of the row that a lookup goes by. */
export function keyColumnsOf(spec: EnrichSpec): readonly string[] {
  return looksIntoTable(spec) ? Object.keys(spec.on) : spec.columns;
}

/** Tables of the lake that a silver table takes values from. */
export function lookupTablesOf({ enrich = [] }: { readonly enrich?: readonly EnrichSpec[] }): readonly string[] {
  return [...new Set(enrich.filter(looksIntoTable).map(({ table }) => table))];
}

/** What of a lookup decides the rows; how it is asked does not. */
export function enrichDefinition(spec: EnrichSpec): string {
  const { lookup, add, on_failure, on_null } = spec;
  const question = looksIntoTable(spec) ? { table: spec.table, on: spec.on } : { question: spec.question };
  return JSON.stringify({ lookup, ...question, add, on_failure, on_null });
}
