import { canonicalColumns } from '../core/types/stored-columns.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { type Column, SOURCE_FILE_COLUMN } from '../core/model/table.ts';
import type { Node } from '../core/planning/graph.ts';
import { type CandidateFile, type EngineSession, REJECT_COLUMNS } from '../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../core/ports/lake.ts';
import type { InputRecord, QuarantineCount, StepRecord } from '../core/ports/ledger.ts';
import type { KnownInput, Source, SourceContext } from '../core/ports/source.ts';
import { faultPoint } from '../kit/fault.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { relationOf, type StepContext } from './context.ts';
import { type AcceptedUnit, type Intake, inputRecord, takeIn } from './intake.ts';
import { type Parsed, parseUnits } from './bronze-parse.ts';
import { commitQuarantine, publish } from './publish.ts';
import { type QuarantineChange, quarantineSql, stageQuarantine } from './quarantine.ts';

export type BronzeNode = Extract<Node, { layer: 'bronze' }>;
export type BronzeStep = StepContext<BronzeNode>;

/** A unit refused as a whole, in the words of the quarantine. */
interface RefusedUnit {
  readonly record: InputRecord;
  readonly rule: string;
  readonly reason: string;
  readonly line: number | undefined;
  readonly byte_offset: number | undefined;
}

/** What a bronze step would take, found without opening any file: the stat walk. */
export async function discoverSource(step: Pick<BronzeStep, 'run' | 'node'>): Promise<{ source: Source; context: SourceContext; known: ReadonlyMap<string, KnownInput>; discovery: Intake['discovery'] }> {
  const { run, node } = step;
  const source = await run.createSource(node.spec);
  const context: SourceContext = { root: run.project.root, temp_folder: run.temp_folder, now_ms: run.now_ms, rehash: run.rehash, signal: run.signal };
  const known = run.ledger.knownInputs(node.name);
  return { source, context, known, discovery: await source.discover(known, context) };
}

/** Ingests one source: inspects new units, parses the sound ones, quarantines the rest, publishes all of it as one version. */
export async function runBronze(step: BronzeStep): Promise<StepRecord> {
  const { run, node } = step;
  const cpu = process.cpuUsage();
  const { source, context, known, discovery } = await discoverSource(step);
  const intake = await takeIn(step, source, context, discovery, known);
  const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
  if (intake.accepted.length === 0 && intake.refused.length === 0) return onlyRemember(step, intake, snapshot);
  const session = await run.openSession(`${run.run_id}/${node.key}`);
  try {
    const columns = await bronzeColumns(step, session, intake.accepted, snapshot);
    const parsed = await parseUnits(step, session, intake.accepted, columns);
    const stable = await dropChanged(source, parsed);
    faultPoint('after-stage');
    const refused = refusedUnits(step, intake, parsed);
    const old = await replacedRows(step, session, stable.loaded.map((one) => one.accepted), snapshot);
    const quarantine = await stageRejects(step, session, stable, refused);
    const used = process.cpuUsage(cpu);
    const added = stable.loaded.reduce((sum, one) => sum + one.rows, 0);
    const rejected = stable.loaded.reduce((sum, one) => sum + one.rejected, 0);
    if (stable.loaded.length === 0 && old.remove.length === 0) return await onlyRefused(step, refused, intake, quarantine, snapshot);
    const files = [...stable.loaded.map((one) => loadedRecord(step, one)), ...refused.map((one) => one.record), ...intake.known];
    const dialect = stable.loaded.find((one) => one.accepted.inspection.dialect !== undefined)?.accepted.inspection.dialect;
    return await publish(step, {
      snapshot,
      mode: old.remove.length > 0 ? 'rewrite' : 'append',
      add: [...old.add, ...stable.candidates],
      remove: old.remove,
      columns,
      partition_by: [],
      txns: stable.loaded.map(({ accepted }) => unitTxn(step, accepted, snapshot)),
      inputs: { [node.name]: known.size + files.length },
      balance: {
        rows_in: stable.loaded.reduce((sum, one) => sum + one.accepted.inspection.records, 0),
        rows_out: added,
        quarantined: rejected,
        deduplicated: 0,
        filtered: 0,
      },
      tests: [],
      computed: snapshot === undefined ? 'full' : 'incremental',
      quarantine: quarantine.change,
      quarantine_counts: quarantine.counts,
      replaces_quarantine: false,
      input_files: files,
      ...(dialect === undefined ? {} : { dialect: { source: node.name, dialect } }),
      usage: session.usage(),
      cpu_ms: Math.round((used.user + used.system) / 1000),
    });
  } finally {
    await session.close();
  }
}

/** Nothing to load: renamed or touched files are remembered, so that they cost one stat from now on. */
function onlyRemember(step: BronzeStep, intake: Intake, snapshot: Snapshot | undefined): StepRecord {
  const what = intake.known.length === 0 ? 'no new input' : `${intake.known.length} files hold what is loaded already`;
  const record = remembered(step, what, snapshot);
  step.run.ledger.finishStep({ step: record, inputs: intake.known });
  return record;
}

/** Nothing sound came in: only the quarantine and the ledger hear of it; the table keeps its version. */
async function onlyRefused(
  step: BronzeStep,
  refused: readonly RefusedUnit[],
  intake: Intake,
  quarantine: { readonly change: QuarantineChange; readonly counts: readonly QuarantineCount[] },
  snapshot: Snapshot | undefined,
): Promise<StepRecord> {
  await commitQuarantine(step, quarantine.change, snapshot?.version ?? 0);
  const record: StepRecord = {
    ...remembered(step, `${refused.length} files were refused, nothing was loaded`, snapshot),
    status: 'succeeded',
    balance: { rows_in: 0, rows_out: 0, quarantined: 0, deduplicated: 0, filtered: 0 },
  };
  step.run.ledger.finishStep({ step: record, inputs: [...refused.map((one) => one.record), ...intake.known], quarantine: quarantine.counts });
  await step.run.lake.discardStaging(step.run.run_id, step.step_id);
  return record;
}

function remembered(step: BronzeStep, reason: string, snapshot: Snapshot | undefined): StepRecord {
  return {
    run_id: step.run.run_id,
    step_id: step.step_id,
    step: step.node.key,
    status: 'up_to_date',
    reason,
    code_fingerprint: step.code_fingerprint,
    inputs: {},
    ...(snapshot === undefined ? {} : { output_version: snapshot.version }),
    tests: [],
    started_at: new Date(step.started_ms).toISOString(),
    finished_at: new Date().toISOString(),
  };
}

/** Declared columns, or those of the published table, or (the first time) those the engine infers; plus `_file`. */
async function bronzeColumns(step: BronzeStep, session: EngineSession, accepted: readonly AcceptedUnit[], snapshot: Snapshot | undefined): Promise<readonly Column[]> {
  const { spec } = step.node;
  const origin: Column = { name: SOURCE_FILE_COLUMN, type: 'varchar', nullable: false };
  if (spec.columns !== undefined) {
    const declared = Object.entries(spec.columns).map(([name, type]) => ({ name, type, nullable: true }));
    return [...canonicalColumns(declared, step.node.key), origin];
  }
  if (snapshot !== undefined) return snapshot.columns;
  const [first] = accepted;
  if (first === undefined) return [origin];
  const { unit, inspection } = first;
  const inferred = await session.infer({
    format: unit.format,
    files: [{ id: unit.path, uri: inspection.decoded_uri ?? unit.uri, compression: inspection.decoded_uri === undefined ? unit.compression : 'none' }],
    ...(inspection.dialect === undefined ? {} : { dialect: inspection.dialect }),
    ...(inspection.header === undefined ? {} : { header: inspection.header }),
  });
  return [...canonicalColumns(inferred, step.node.key), origin];
}

/** Somebody wrote to a file while it was read: the whole batch is dropped, so that nothing half-read is published. */
async function dropChanged(source: Source, parsed: Parsed): Promise<Parsed> {
  for (const { accepted } of parsed.loaded) {
    if (await source.unchangedSince(accepted.unit)) continue;
    throw new DataflowError('E_SOURCE_CHANGED', `${accepted.unit.path} changed while it was read`, {
      place: { file: accepted.unit.path },
      kept: 'nothing of this batch was published; the next run takes it again',
    });
  }
  return parsed;
}

function refusedUnits(step: BronzeStep, intake: Intake, parsed: Parsed): readonly RefusedUnit[] {
  const early = intake.refused.map(({ unit, inspection, problem }) => ({
    record: { ...inputRecord(step, unit, inspection, 'quarantined'), reason: problem.reason },
    rule: problem.rule,
    reason: problem.reason,
    line: problem.line,
    byte_offset: problem.byte_offset,
  }));
  const late = parsed.unfit.map(({ accepted, rule, reason }) => ({
    record: { ...inputRecord(step, accepted.unit, accepted.inspection, 'quarantined'), reason },
    rule,
    reason,
    line: undefined,
    byte_offset: undefined,
  }));
  return [...early, ...late];
}

/** Rows of files that come again with new content (`on_rewrite: replace`): their data files are written anew without them. */
async function replacedRows(step: BronzeStep, session: EngineSession, accepted: readonly AcceptedUnit[], snapshot: Snapshot | undefined): Promise<{ add: readonly CandidateFile[]; remove: readonly DataFile[] }> {
  const paths = accepted.filter((one) => one.replaces).map((one) => one.unit.path);
  if (paths.length === 0 || snapshot === undefined) return { add: [], remove: [] };
  const list = paths.map(quoteText).join(', ');
  await session.bind(relationOf(snapshot, 'published', true));
  const rows = await session.rows(`select distinct _part as part from published where _file in (${list})`, { rows_max: 1_000_000 });
  const parts = new Set(rows.map((row) => Number(row['part'])));
  const remove = snapshot.files.filter((_, index) => parts.has(index));
  await session.bind({ ...relationOf(snapshot, 'replaced'), files: remove });
  const names = snapshot.columns.map((column) => quoteIdent(column.name)).join(', ');
  const folder = await step.run.lake.stage(step.run.run_id, step.step_id, 'kept');
  const add = remove.length === 0 ? [] : await session.write(`select ${names} from replaced where _file not in (${list})`, { folder, columns: snapshot.columns });
  return { add, remove };
}

/** Rejected records and refused files become rows of the quarantine; what an earlier attempt or an earlier content of the same file left there goes. */
async function stageRejects(step: BronzeStep, session: EngineSession, parsed: Parsed, refused: readonly RefusedUnit[]): Promise<{ change: QuarantineChange; counts: readonly QuarantineCount[] }> {
  const table = { layer: 'bronze' as const, name: step.node.name };
  await session.bind({ name: 'rejects', columns: REJECT_COLUMNS, files: parsed.rejects });
  const parts: string[] = [];
  if (parsed.rejects.length > 0) {
    parts.push(quarantineSql(step.run, table, {
      from: 'rejects',
      identity: `file || '|' || coalesce(line, -1) || '|' || coalesce(byte_offset, -1)`,
      rule: `'unreadable_record'`,
      reason: 'error',
      column_name: 'column_name',
      file: 'file',
      line: 'line',
      byte_offset: 'byte_offset',
      raw: 'raw',
      origin: quoteText(`source.${step.node.name}`),
    }));
  }
  for (const one of refused) {
    parts.push(quarantineSql(step.run, table, {
      from: '(select 1)',
      identity: `${quoteText(one.record.path)} || '|file'`,
      rule: quoteText(one.rule),
      reason: quoteText(one.reason),
      file: quoteText(one.record.path),
      line: one.line === undefined ? 'null' : String(one.line),
      byte_offset: one.byte_offset === undefined ? 'null' : String(one.byte_offset),
      origin: quoteText(`source.${step.node.name}`),
    }));
  }
  const again = [...parsed.loaded.map((one) => one.accepted.unit.path), ...refused.map((one) => one.record.path)];
  const change = await stageQuarantine(step, session, parts.length === 0 ? undefined : parts.join(' union all '), `file in (${again.map(quoteText).join(', ')})`);
  const rejected = parsed.loaded.filter((one) => one.rejected > 0).map((one) => ({ rule: 'unreadable_record', file: one.accepted.unit.path, rows: one.rejected }));
  const files = refused.map((one) => ({ rule: one.rule, file: one.record.path, rows: 1 }));
  return { change, counts: [...rejected, ...files].map((one) => ({ run_id: step.run.run_id, table: step.node.key, ...one })) };
}

function loadedRecord(step: BronzeStep, one: Parsed['loaded'][number]): InputRecord {
  return { ...inputRecord(step, one.accepted.unit, one.accepted.inspection, 'loaded'), rejected: one.rejected };
}

/** The unit of work: this content of this source. Its number grows when the same content comes back after another. */
function unitTxn(step: BronzeStep, accepted: AcceptedUnit, snapshot: Snapshot | undefined): { app_id: string; version: number } {
  const app_id = `source:${step.node.name}:sha256:${accepted.inspection.sha256}`;
  return { app_id, version: (snapshot?.txns.get(app_id) ?? 0) + 1 };
}
