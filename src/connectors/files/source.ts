import { statSync } from 'node:fs';
import type { CsvDialect } from '../../core/ports/engine.ts';
import type { InspectOptions, InspectRequest } from '../../core/ports/format.ts';
import type { InputUnit, Inspection, Source, SourceContext } from '../../core/ports/source.ts';
import type { FoundSourceComponent, SourceParts, WantedFiles } from '../../core/ports/source-component.ts';
import { Archives, damagedMember } from './archives.ts';
import { digestMembers } from './digests.ts';
import { discoverFiles, stampOf } from './discover.ts';
import { isSame } from './finding.ts';
import { type FilesOptions, type FoundOptions, schema } from './options.ts';
import { lookAtColumns, peekCsv } from './peek.ts';

/** Files in folders: `type: files`. */
export const component: FoundSourceComponent<FilesOptions> = {
  type: 'files',
  summary:
    'Files named by globs: CSV, TSV, JSON, NDJSON, fixed-width, XML, Parquet, Avro, Excel sheets; text also in gzip or zstd, all of them also in zip and tar archives.',
  schema,
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
  { inspectors, archives: reader }: SourceParts,
  more: Partial<InspectOptions> = {},
): Source {
  const archives = new Archives(reader, options);
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
    discover: (known, context) => discoverFiles(options, known, context, archives),
    inspect: async (unit, context, pinned) => {
      if (unit.member === undefined) return await inspect(unit, context, pinned);
      const taken = await archives.take(stampOf(unit), unit.uri, unit, context);
      return (
        damagedMember(taken) ?? {
          ...(await inspect({ ...unit, uri: taken.uri }, context, pinned)),
          local_uri: taken.uri,
        }
      );
    },
    peek: async (unit, context, pinned) =>
      unit.archive === undefined
        ? await peekCsv(inspectors.csv, requestFor(unit, context, pinned), context.signal)
        : undefined,
    look: async (unit, context, pinned) =>
      unit.archive === undefined
        ? await lookAtColumns(inspectors, requestFor(unit, context, pinned), context.signal)
        : undefined,
    digests: (inputs, context) => digestMembers(reader, options, inputs, context),
    unchangedSince: async (unit) => {
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
