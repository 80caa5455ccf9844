import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { CandidateFile, EngineSession, ParseRequest, ParseResult } from '../../core/ports/engine.ts';
import { extraColumns, fieldsOf, isDeclared, isRequired, missingColumns, presentColumns } from './drift.ts';
import { engineFile } from './engine-file.ts';
import type { AcceptedUnit } from './intake.ts';
import { isolate, readLimits } from './isolate.ts';
import type { Parsed, Unfit } from './parsed.ts';
import type { BronzeStep } from './step.ts';

/** Files that are parsed by one engine call hold at most this much together, so that one bad file costs little to parse again. */
const GROUP_BYTES_MAX = 512 * 1024 * 1024;
/** After the engine ran out of memory. */
const SMALL_GROUP_BYTES_MAX = 32 * 1024 * 1024;

interface Group {
  readonly units: AcceptedUnit[];
  bytes: number;
}

/**
 * Parses the accepted units into candidate files, group by group (same format, dialect and header). The engine's rows and rejects are
 * held against our own record count per file; `early` gives results that are there already; a file that does not add up is left out as a whole and the group is parsed again.
 */
export async function parseUnits(
  step: BronzeStep,
  session: Pick<EngineSession, 'parse'>,
  accepted: readonly AcceptedUnit[],
  columns: readonly Column[],
  early: (accepted: AcceptedUnit) => Promise<ParseResult | undefined>,
  label = '',
): Promise<Parsed> {
  const out: Growing = { candidates: [], rejects: [], loaded: [], unfit: [] };
  const fit: AcceptedUnit[] = [];
  for (const unit of accepted) {
    const problem = headerProblem(step, unit, columns);
    // What was begun early knows nothing of columns that the header brings beyond the known ones.
    const usual =
      extraColumns(unit, columns).length === 0 || ['freeze', 'discard_value'].includes(step.node.spec.schema_change);
    const done = problem === undefined && usual ? await early(unit) : undefined;
    if (problem !== undefined) out.unfit.push(problem);
    else if (done === undefined) fit.push(unit);
    else merge(out, judge([unit], done));
  }
  const bytes_max = step.small !== undefined ? SMALL_GROUP_BYTES_MAX : GROUP_BYTES_MAX;
  for (const [index, group] of grouped(fit, bytes_max, (one) => extraColumns(one, columns)).entries()) {
    const parsed = await parseGroup(step, session, group.units, columns, `${label}${index}`);
    merge(out, parsed);
  }
  return out;
}

interface Growing {
  readonly candidates: CandidateFile[];
  readonly rejects: CandidateFile[];
  readonly loaded: Parsed['loaded'][number][];
  readonly unfit: Unfit[];
}

/** Several results as one, in their order. */
export function merged(parts: readonly Parsed[]): Parsed {
  const out: Growing = { candidates: [], rejects: [], loaded: [], unfit: [] };
  for (const part of parts) merge(out, part);
  return out;
}

function merge(out: Growing, parsed: Parsed): void {
  out.candidates.push(...parsed.candidates);
  out.rejects.push(...parsed.rejects);
  out.loaded.push(...parsed.loaded);
  out.unfit.push(...parsed.unfit);
}

/** Missing columns make a file unfit; extra ones are the business of `schema_change`. */
function headerProblem(step: BronzeStep, accepted: AcceptedUnit, columns: readonly Column[]): Unfit | undefined {
  const names = (fieldsOf(accepted) ?? []).map((field) => field.name);
  const where = accepted.inspection.header === undefined ? 'it' : 'its header';
  const nul = names.find((name) => name.includes('\0'));
  if (nul !== undefined)
    return { accepted, rule: 'bad_header', reason: `it names a column with a NUL in it: ${JSON.stringify(nul)}` };
  const missing = missingColumns(accepted, columns);
  const extra = extraColumns(accepted, columns);
  const wanted = columns.filter((column) => column.name !== SOURCE_FILE_COLUMN);
  if (
    missing.length > 0 &&
    (missing.length === wanted.length || missing.some((name) => isRequired(step.node.spec, name)))
  ) {
    const renamed = missing.length === 1 && extra.length === 1 ? `; was ${missing[0]} renamed to ${extra[0]}?` : '';
    return {
      accepted,
      rule: 'missing_columns',
      reason: `${where} lacks ${missing.join(', ')} (it has ${names.join(', ')})${renamed}`,
    };
  }
  if (extra.length > 0 && step.node.spec.schema_change === 'freeze') {
    return {
      accepted,
      rule: 'extra_columns',
      reason: `${where} has ${extra.join(', ')}, which the frozen columns do not name`,
    };
  }
  return undefined;
}

function grouped(
  units: readonly AcceptedUnit[],
  bytes_max: number,
  extra: (accepted: AcceptedUnit) => readonly string[],
): readonly Group[] {
  const open = new Map<string, Group>();
  const groups: Group[] = [];
  for (const accepted of units) {
    const { unit, inspection } = accepted;
    const { compression } = engineFile(unit, inspection);
    const key = JSON.stringify([
      unit.format,
      compression,
      inspection.dialect,
      inspection.header,
      extra(accepted),
      unit.format === 'parquet' ? inspection.fields : undefined,
      inspection.doubtful_records,
      inspection.multiline_records,
      inspection.doubtful,
      inspection.types,
      inspection.forms,
      inspection.doubtful?.length === 0 ? 0 : inspection.first_record_line,
    ]);
    let group = open.get(key);
    if (group === undefined || group.bytes + inspection.expanded_bytes > bytes_max) {
      group = { units: [], bytes: 0 };
      open.set(key, group);
      groups.push(group);
    }
    group.units.push(accepted);
    group.bytes += inspection.expanded_bytes;
  }
  return groups;
}

async function parseGroup(
  step: BronzeStep,
  session: Pick<EngineSession, 'parse'>,
  units: readonly AcceptedUnit[],
  columns: readonly Column[],
  label: string,
): Promise<Parsed> {
  const [first] = units;
  if (first === undefined) return { candidates: [], rejects: [], loaded: [], unfit: [] };
  let judged: Parsed;
  try {
    judged = judge(units, await session.parse(await parseRequest(step, units, first, columns, label)));
  } catch (error) {
    return await isolate(error, units, label, (some, its) => parseGroup(step, session, some, columns, its));
  }
  if (judged.unfit.length === 0) return judged;
  const rest = judged.loaded.map((one) => one.accepted);
  const again = await parseGroup(step, session, rest, columns, `${label}r`);
  return { ...again, unfit: [...judged.unfit, ...again.unfit] };
}

/** Holds the engine's counts against our own. With a misfit among them the candidates hold its rows too and cannot be used. */
function judge(units: readonly AcceptedUnit[], result: ParseResult): Parsed {
  const unfit: Unfit[] = [];
  const loaded: Parsed['loaded'][number][] = [];
  for (const accepted of units) {
    const got = result.per_file.get(accepted.unit.path) ?? { rows: 0, rejected: 0 };
    const { records } = accepted.inspection;
    if (got.rows + got.rejected === records) loaded.push({ accepted, ...got });
    else {
      const reason = `it holds ${records} records by our count, but the engine read ${got.rows} and rejected ${got.rejected}`;
      unfit.push({ accepted, rule: 'record_count_mismatch', reason });
    }
  }
  if (unfit.length > 0 && loaded.length === 0) return { candidates: [], rejects: [], loaded, unfit };
  return { candidates: result.candidates, rejects: result.rejects, loaded, unfit };
}

/** What the engine is asked to parse: files of one layout. */
export async function parseRequest(
  step: BronzeStep,
  units: readonly AcceptedUnit[],
  first: AcceptedUnit,
  columns: readonly Column[],
  label: string,
): Promise<ParseRequest> {
  const { run } = step;
  const { dialect, header } = first.inspection;
  const wanted = presentColumns(first, columns);
  const forbidden = step.node.spec.schema_change === 'discard_row' ? extraColumns(first, columns) : [];
  const { types = {} } = first.inspection;
  const exact = wanted.filter(({ name, type }) => types[name] === type).map((column) => column.name);
  const inferred = wanted.map((column) => column.name).filter((name) => !isDeclared(step.node.spec, name));
  return {
    format: first.unit.format,
    files: units.map(({ unit, inspection }) => ({
      id: unit.path,
      ...engineFile(unit, inspection),
      ...(inspection.decoded_uri === undefined ? { size_bytes: unit.size_bytes } : {}),
      first_record_line: inspection.first_record_line,
      ...(inspection.address === undefined ? {} : { address: inspection.address, records: inspection.records }),
    })),
    ...(dialect === undefined ? {} : { dialect }),
    ...(header === undefined ? {} : { header }),
    ...(first.inspection.multiline_records ? { multiline_records: true } : {}),
    ...(forbidden.length === 0 ? {} : { forbidden }),
    ...(inferred.length === 0 ? {} : { inferred }),
    ...(exact.length === 0 ? {} : { exact }),
    ...(step.node.spec.checks === undefined ? {} : { checks: step.node.spec.checks }),
    ...(first.inspection.forms === undefined ? {} : { forms: first.inspection.forms }),
    ...(first.inspection.doubtful_records === true ? { strict_records: true } : {}),
    ...(first.unit.format === 'csv' ? exactness(units, first, wanted) : {}),
    ...(units.every(({ inspection }) => inspection.vouched === true) ? { records: recordsOf(units) } : {}),
    columns: wanted.filter((column) => column.name !== SOURCE_FILE_COLUMN),
    limits: readLimits(step, units),
    target: { folder: await run.lake.stage(run.run_id, step.step_id, `data-${label}`), columns: wanted },
    reject_folder: await run.lake.stage(run.run_id, step.step_id, `rejects-${label}`),
  };
}

/** Which columns need an exact look: all, where the inspection could not say. */
function exactness(
  units: readonly AcceptedUnit[],
  { inspection }: AcceptedUnit,
  wanted: readonly Column[],
): Partial<ParseRequest> {
  return {
    doubtful: inspection.doubtful ?? wanted.map((column) => column.name),
    first_record_line: inspection.first_record_line,
    records: recordsOf(units),
  };
}

function recordsOf(units: readonly AcceptedUnit[]): number {
  return units.reduce((sum, unit) => sum + unit.inspection.records, 0);
}
