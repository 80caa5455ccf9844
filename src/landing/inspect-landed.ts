import { stat } from 'node:fs/promises';
import type { Column } from '../core/model/table.ts';
import type { FormatInspectors, InspectOptions } from '../core/ports/format.ts';
import type { LandedInspectOptions, SealedUnit } from '../core/ports/landing-place.ts';
import type { UnitFacts } from '../core/ports/pulled-source.ts';
import type { InputUnit, Inspection } from '../core/ports/source.ts';

const SIZE_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Inspects a landed unit under the layout that its source declared: nothing about it is guessed. What its writer vouches for is not looked at again:
 * that spares reading bytes that this process has just hashed and written.
 */
export async function inspectLanded(
  inspectors: FormatInspectors,
  sealed: SealedUnit,
  as: InputUnit,
  { temp_folder, columns, signal }: LandedInspectOptions,
): Promise<Inspection> {
  const { layout, uri, size_bytes } = sealed;
  const vouched = await vouchedInspection(sealed, columns);
  if (vouched !== undefined) return vouched;
  const csv = layout.format === 'csv' ? layout : undefined;
  const options: InspectOptions = {
    encoding: 'utf-8',
    quote: csv?.dialect.quote ?? '"',
    has_header: csv?.dialect.has_header ?? true,
    skip_lines: csv?.dialect.skip_lines ?? 0,
    max_expanded_bytes: SIZE_MAX,
    max_ratio: SIZE_MAX,
    max_line_bytes: 256 * 1024 * 1024,
    complete: true,
    ...(csv === undefined ? {} : { delimiter: csv.dialect.delimiter, escape: csv.dialect.escape }),
    ...(csv?.dialect.null_values === undefined ? {} : { null_values: csv.dialect.null_values }),
  };
  const inspection = await inspectors[layout.format].inspect(
    {
      unit: { ...as, uri, size_bytes, format: layout.format, compression: 'none' },
      temp_folder,
      options,
      ...columnsOf(csv?.header, columns),
      ...(csv === undefined ? {} : { pinned: csv.dialect }),
    },
    signal,
  );
  return csv === undefined || inspection.problem !== undefined ? inspection : { ...inspection, header: csv.header };
}

/** Undefined: nobody vouches for the unit, or its file is not as it was left. */
async function vouchedInspection(
  { uri, layout, facts, size_bytes, sha256, records }: SealedUnit,
  columns: readonly Column[] | undefined,
): Promise<Inspection | undefined> {
  if (facts === undefined || layout.format === 'parquet') return undefined;
  const there = await stat(uri).catch(() => undefined);
  if (there?.size !== size_bytes) return undefined;
  const shared = {
    sha256,
    size_bytes,
    expanded_bytes: size_bytes,
    records,
    first_record_line: 1,
    multiline_records: facts.multiline_records === true,
    encoding: 'utf-8',
    vouched: true,
    notes: [],
  };
  if (layout.format === 'ndjson')
    return {
      ...shared,
      ...(facts.fields === undefined ? {} : { fields: facts.fields }),
      ...(facts.doubtful_records === true ? { doubtful_records: true } : {}),
      ...(facts.types === undefined ? {} : { types: facts.types }),
      ...(facts.forms === undefined ? {} : { forms: facts.forms }),
    };
  const { dialect, header } = layout;
  if (dialect.has_header || dialect.skip_lines > 0) return undefined;
  const known = columnsOf(header, columns).columns;
  const doubtful = known?.filter(({ name, type }) => type !== 'varchar' && typeIn(facts, name) !== type);
  return {
    ...shared,
    dialect,
    header,
    ...(doubtful === undefined ? {} : { doubtful: doubtful.map(({ name }) => name) }),
  };
}

function typeIn({ types = {} }: UnitFacts, name: string): string | undefined {
  return Object.entries(types).find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
}

/** In the order of the cells; nothing when a cell's column is not known, so that each is looked at exactly. */
function columnsOf(
  header: readonly string[] | undefined,
  columns: readonly Column[] | undefined,
): { readonly columns?: readonly Column[] } {
  if (columns === undefined || header === undefined) return columns === undefined ? {} : { columns };
  const known = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  const found = header.flatMap((name) => known.get(name.toLowerCase()) ?? []);
  return found.length === header.length ? { columns: found } : {};
}
