import type { Column } from '../core/model/table.ts';
import type { FormatInspectors, InspectOptions } from '../core/ports/format.ts';
import type { LandedInspectOptions, SealedUnit } from '../core/ports/landing-place.ts';
import type { InputUnit, Inspection } from '../core/ports/source.ts';

const SIZE_MAX = Number.MAX_SAFE_INTEGER;

/** Inspects a landed unit under the layout that its source declared: nothing about it is guessed. */
export async function inspectLanded(
  inspectors: FormatInspectors,
  { layout, uri, size_bytes }: SealedUnit,
  as: InputUnit,
  { temp_folder, columns, signal }: LandedInspectOptions,
): Promise<Inspection> {
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
