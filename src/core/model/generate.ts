/** `generate:` of a source: hints for making data that looks like it. Everything is optional; the rest is inferred. */
export interface GenerateSpec {
  /** Rows to make; with `per` it follows from the parents instead. */
  readonly rows?: number;
  /** A number of rows for each row of the source that a column refers to. */
  readonly per?: GeneratePer;
  readonly columns: Readonly<Record<string, GenerateColumn>>;
}

export interface GeneratePer {
  /** The other source. */
  readonly references: string;
  /** Column that holds its key; inferred from a `references` rule, or the column of the same name as the key. */
  readonly column?: string;
  readonly min: number;
  readonly max: number;
}

/** How the values of one column are made. */
export const GENERATOR_KINDS = [
  'sequence',
  'integer',
  'decimal',
  'boolean',
  'date',
  'timestamp',
  'uuid',
  'values',
  'name',
  'first_name',
  'last_name',
  'email',
  'phone',
  'city',
  'country',
  'company',
  'product',
  'street',
  'words',
] as const;
export type GeneratorKind = (typeof GENERATOR_KINDS)[number];

export interface GenerateColumn {
  readonly kind?: GeneratorKind;
  /** Values to choose from, each as likely as the others. */
  readonly values?: readonly (string | number | boolean)[];
  /** Least and greatest value: numbers, or dates as text. */
  readonly min?: number | string;
  readonly max?: number | string;
  /** Digits after the point. */
  readonly decimals?: number;
  /** 1, 2, 3, …: no value twice. */
  readonly unique?: boolean;
  /** The source whose key the column holds. */
  readonly references?: string;
}
