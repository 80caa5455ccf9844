import { createReadStream, existsSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { linesOf, recordBegin } from '../../core/model/record-lines.ts';
import { quarantineOf } from '../../core/model/table.ts';
import type { ForwardTrace } from '../../core/model/trace.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';
import { closest } from '../../kit/closest.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import { pulledPlace } from './pulled-place.ts';
import type { TraceContext } from './trace-context.ts';

/** A file that was asked for, as the ledger knows it. */
export interface FoundFile {
  /** Relative to the project. */
  readonly path: string;
  readonly line: number | undefined;
  /** The record whose rows are followed: for a duplicate that of the file with the same bytes. */
  readonly record: InputRecord | undefined;
  /** The duplicate's own record. */
  readonly twin?: InputRecord;
  readonly reason?: string;
}

const HASH = /^[0-9a-f]{8,64}$/i;

/**
 * Finds the file that a text names: a path, `path:line`, or the beginning of a SHA-256. @throws DataflowError E_USAGE when nothing has that name.
 */
export function findFile(context: TraceContext, cwd: string, text: string): FoundFile {
  const inputs = context.ledger.inputs();
  const [, before = text, digits] = /^(.*):(\d{1,15})$/s.exec(text) ?? [];
  for (const [name, line] of [
    [text, undefined] as const,
    [before, digits === undefined ? undefined : Number(digits)] as const,
  ]) {
    const path = inProject(context.project.root, cwd, name);
    const record = inputs.find((one) => one.path === path || one.path === name);
    if (record !== undefined) return followed(inputs, record, line);
    const hashed = HASH.test(name) ? inputs.filter((one) => one.sha256.startsWith(name.toLowerCase())) : [];
    const [first] = hashed.toSorted((a, b) => Number(b.status === 'loaded') - Number(a.status === 'loaded'));
    if (first !== undefined) return followed(inputs, first, line);
    if (existsSync(resolve(cwd, name)) || existsSync(resolve(context.project.root, name))) {
      return { path, line, record: undefined, reason: 'no run has taken this file' };
    }
  }
  const tables = context.graph.nodes.flatMap(({ key, name }) => [key, name]);
  const near = closest(before, [...tables, ...inputs.map(({ path }) => path)]);
  throw new DataflowError('E_USAGE', `${text} is neither a table nor a file that dataflow knows`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}See the files with: dataflow ledger inputs`,
  });
}

function followed(inputs: readonly InputRecord[], record: InputRecord, line: number | undefined): FoundFile {
  const { path } = record;
  if (record.status !== 'duplicate') return { path, line, record };
  const same = inputs.find((one) => one.source === record.source && one.path === record.same_as);
  return { path, line, record: same, twin: record };
}

function inProject(root: string, cwd: string, name: string): string {
  const path = relative(root, isAbsolute(name) ? name : resolve(cwd, name));
  return path.split(sep).join('/');
}

/** What stands on a line of a loaded file. */
export async function lineOf(
  context: TraceContext,
  found: FoundFile,
  input: InputRecord,
): Promise<NonNullable<ForwardTrace['line']>> {
  const number = found.line ?? 0;
  const runs = linesOf(input);
  const begin = recordBegin(runs, number);
  const rejected = await rejectedAt(context, input, begin ?? number);
  if (rejected !== undefined) return { number: begin ?? number, state: 'rejected', detail: rejected };
  const [first] = runs;
  const last = runs.at(-1);
  if (first === undefined || last === undefined) {
    return {
      number,
      state: 'not_located',
      detail: 'its records span lines, or blank lines lie between them, and where each begins is not known',
    };
  }
  if (begin !== undefined && begin < number)
    return {
      number: begin,
      state: 'record',
      detail: `line ${number} belongs to the record that begins on line ${begin}`,
    };
  if (begin !== undefined)
    return { number, state: 'record', detail: (await pulledPlace(context.lake, input, number)) ?? null };
  const text = await textAt(context, input, number);
  if (number < first.line) {
    return { number, state: 'before_records', detail: `the header or a line before it${shown(text)}` };
  }
  return {
    number,
    state: 'beyond_end',
    detail:
      text === ''
        ? 'a blank line after the last record'
        : `the last record is on line ${last.line + (last.records - 1) * last.lines}`,
  };
}

function shown(text: string | undefined): string {
  return text === undefined ? '' : `: ${text.length > 200 ? `${text.slice(0, 199)}…` : text}`;
}

/** The reason for which parsing rejected the record of a line. */
async function rejectedAt(context: TraceContext, input: InputRecord, line: number): Promise<string | undefined> {
  const { session } = context.trace;
  const quarantine = await context.lake.snapshot(quarantineOf({ layer: 'bronze', name: input.source }));
  if (quarantine === undefined) return undefined;
  const name = context.trace.fresh('rejected');
  await session.bind(relationOf(quarantine, name));
  const [row] = await session.rows(
    `select rule, reason from ${name} where file = ${quoteText(input.path)} and line = ${line} and raw is not null limit 1`,
  );
  return row === undefined ? undefined : `${String(row['rule'])}: ${String(row['reason'])}`;
}

/** The text of a line of a plain file; undefined when it is compressed, gone or shorter. */
async function textAt(context: TraceContext, input: InputRecord, line: number): Promise<string | undefined> {
  const path = resolve(context.project.root, input.path);
  if (!existsSync(path) || /\.(?:gz|zst|parquet)$/i.test(path)) return undefined;
  const stream = createReadStream(path);
  let number = 0;
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1;
      if (number === line) return text;
    }
    return undefined;
  } finally {
    stream.destroy();
  }
}
