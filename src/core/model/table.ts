/** The three layers of the lake; their names never change, only their folders may (`lake.layers`). */
export const LAYERS = ['bronze', 'silver', 'gold'] as const;
export type Layer = (typeof LAYERS)[number];

/** Which table: a table of a layer, or the quarantine table that belongs to one (`quarantine.silver_achats`). */
export interface TableId {
  readonly layer: Layer | 'quarantine';
  readonly name: string;
}

/** The name that SQL, the ledger and every printed line use: `silver.achats`. */
export function tableKey(table: TableId): string {
  return `${table.layer}.${table.name}`;
}

/** The reverse of {@link tableKey}; undefined when the text is not `<layer>.<name>`. */
export function parseTableKey(key: string): TableId | undefined {
  const dot = key.indexOf('.');
  if (dot < 1) return undefined;
  const layer = key.slice(0, dot);
  const name = key.slice(dot + 1);
  if (layer !== 'quarantine' && !LAYERS.includes(layer as Layer)) return undefined;
  if (!TABLE_NAME.test(name)) return undefined;
  return { layer: layer as TableId['layer'], name };
}

/** Table names become folder names, so they are restricted to what is safe on every file system and in SQL. */
export const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** Where the rejected rows of a table are kept. */
export function quarantineOf(table: TableId): TableId {
  return { layer: 'quarantine', name: `${table.layer}_${table.name}` };
}

/**
 * A column as the lake knows it. `type` is the canonical declared type in lower case
 * (`bigint`, `decimal(12,2)`, `varchar`, `date`, `timestamptz`, …): see `core/types`.
 */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** The declared type, when the stored one says less (`uuid` kept as varchar); the lake keeps it in column metadata. */
  readonly kept_as?: string;
}

/** Columns that ingestion adds to every bronze table: where the row came from. */
export const SOURCE_FILE_COLUMN = '_file';

/** A single value as text for the Delta log and for skipping files; null = unknown or no value. */
export type StatValue = string | number | boolean | null;

/** Per-column statistics of one data file, as `add.stats` of the Delta protocol holds them. */
export interface FileStats {
  readonly num_records: number;
  readonly min_values: Readonly<Record<string, StatValue>>;
  readonly max_values: Readonly<Record<string, StatValue>>;
  readonly null_count: Readonly<Record<string, number>>;
}
