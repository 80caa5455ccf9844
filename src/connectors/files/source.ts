import { statSync } from 'node:fs';
import type { CsvDialect } from '../../core/ports/engine.ts';
import type { InspectOptions, InspectRequest } from '../../core/ports/format.ts';
import type { InputUnit, Inspection, Source, SourceContext } from '../../core/ports/source.ts';
import type { FoundSourceComponent, SourceParts, WantedFiles } from '../../core/ports/source-component.ts';
import { Archives, damagedMember } from './archives.ts';
import { digestInputs } from './digest-inputs.ts';
import { discoverFiles } from './discover.ts';
import { FilesAway } from './files-away.ts';
import { isSame } from './finding.ts';
import { type FilesOptions, type FoundOptions, schema } from './options.ts';
import { lookAtColumns, peekCsv } from './peek.ts';
import { stampOf } from './stamp.ts';
import { StayingFiles } from './staying.ts';

/** Files in folders: `type: files`. */
export const component: FoundSourceComponent<FilesOptions> = {
  type: 'files',
  summary:
    'Files named by globs: CSV, TSV, JSON, NDJSON, fixed-width, XML, Parquet, Avro, Excel sheets; text also in gzip or zstd, all of them also in zip and tar archives.',
  schema,
  connection_types: 'places',
  connection_optional: true,
  create: filesSource,
};

/** Files of one format for another kind of source, which says how they are inspected. */
export function wantedFiles(wanted: WantedFiles, parts: SourceParts): Source {
  const { path, exclude, settle_seconds, max_file_bytes, format, inspect } = wanted;
  const options = schema.parse({ path, exclude, settle_seconds, max_file_bytes });
  return filesSource({ ...options, format }, parts, inspect);
}

function filesSource(
  options: FoundOptions,
  { inspectors, archives: reader, place, connection }: SourceParts,
  more: Partial<InspectOptions> = {},
): Source {
  const archives = new Archives(reader, options);
  const away = place === undefined || connection === undefined ? undefined : new FilesAway(connection.name, place);
  const staying = options.in_place === undefined ? undefined : new StayingFiles(options.in_place, away);
  const inspectOptions = { ...inspectOptionsOf(options), ...more };
  const requestFor = (unit: InputUnit, context: SourceContext, pinned: CsvDialect | undefined): InspectRequest => ({
    unit,
    ...timeFor(unit, context),
    temp_folder: context.temp_folder,
    options: inspectOptions,
    ...(pinned === undefined ? {} : { pinned }),
    ...(context.columns === undefined ? {} : { columns: context.columns }),
    ...(context.kept_folder === undefined ? {} : { kept_folder: context.kept_folder }),
    ...(context.threads === undefined ? {} : { threads: context.threads }),
    ...(context.file_memory_max_bytes === undefined ? {} : { memory_bytes_max: context.file_memory_max_bytes }),
  });
  const inspect = (unit: InputUnit, context: SourceContext, pinned: CsvDialect | undefined): Promise<Inspection> =>
    inspectors[unit.made_from ?? unit.format].inspect(requestFor(unit, context, pinned), context.signal);
  return {
    ...(staying === undefined ? {} : { in_place: true }),
    discover: (known, context) =>
      discoverFiles(options, known, context, away === undefined ? { archives } : { archives, away }),
    inspect: async (unit, context, pinned) => {
      if (staying !== undefined && context.in_place !== undefined)
        return await staying.inspect(unit, context, (ends) =>
          inspectors.parquet.inspect({ ...requestFor(ends, context, pinned), ends_only: true }, context.signal),
        );
      const uri = (await away?.localOf(unit, context)) ?? unit.uri;
      if (unit.member === undefined)
        return away === undefined
          ? await inspect(unit, context, pinned)
          : { ...(await inspect({ ...unit, uri }, context, pinned)), local_uri: uri };
      const taken = await archives.take(stampOf(unit), uri, unit, context);
      return (
        damagedMember(taken) ?? {
          ...(await inspect({ ...unit, uri: taken.uri }, context, pinned)),
          local_uri: taken.uri,
        }
      );
    },
    peek: async (unit, context, pinned) =>
      unit.archive === undefined && away === undefined
        ? await peekCsv(inspectors.csv, requestFor(unit, context, pinned), context.signal)
        : undefined,
    look: async (unit, context, pinned) =>
      unit.archive === undefined && away === undefined
        ? await lookAtColumns(inspectors, requestFor(unit, context, pinned), context.signal)
        : undefined,
    digests: (inputs, context) => digestInputs({ reader, options }, away, inputs, context),
    unchangedSince: async (unit) => {
      if (staying !== undefined) return staying.unchanged(unit);
      // The copy was held against the place when it was fetched, and nobody else has it.
      if (away !== undefined) return true;
      const stat = statSync(unit.uri, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined || unit.member === undefined) return stat !== undefined && isSame(unit, stat);
      return stat.mtimeNs.toString() === unit.mtime_ns && `${stat.ino}/${stat.size}` === unit.inode;
    },
  };
}

/** One second more for so many bytes. */
const BYTES_A_SECOND = 5_000_000;

function timeFor(unit: InputUnit, { file_seconds_max }: SourceContext): { readonly seconds_max?: number } {
  if (file_seconds_max === undefined) return {};
  return { seconds_max: file_seconds_max + Math.floor(unit.size_bytes / BYTES_A_SECOND) };
}

function inspectOptionsOf(options: FoundOptions): InspectOptions {
  return {
    encoding: options.encoding,
    quote: options.quote,
    has_header: options.header,
    skip_lines: options.skip_lines,
    max_expanded_bytes: options.max_expanded_bytes,
    max_ratio: options.max_ratio,
    max_line_bytes: options.max_line_bytes,
    ...(options.delimiter === undefined ? {} : { delimiter: options.delimiter }),
    ...(options.escape === undefined ? {} : { escape: options.escape }),
    ...(options.fields === undefined ? {} : { fields: options.fields }),
    ...(options.record === undefined ? {} : { record: options.record }),
    ...(options.sheet === undefined ? {} : { sheet: options.sheet }),
    ...(options.null_values === undefined ? {} : { null_values: options.null_values }),
  };
}
