import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { PulledOutcome } from '../../../core/model/pulled.ts';
import type { Column } from '../../../core/model/table.ts';
import { estimateIntake } from '../../../core/planning/estimate.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import type { InputRecord, StepRecord } from '../../../core/ports/ledger.ts';
import type { Position, Span } from '../../../core/ports/pulled-source.ts';
import { faultPoint } from '../../../kit/fault.ts';
import { quoteText } from '../../../kit/sql.ts';
import { keptMessage, publish } from '../../publish.ts';
import { quarantineRanAhead } from '../../quarantine.ts';
import { layoutOf } from '../columns.ts';
import { driftOf } from '../drift.ts';
import { driftTests } from '../drift-tests.ts';
import { NOTHING_EARLY } from '../early-parse.ts';
import { evolvedColumns } from '../evolve.ts';
import { refusedAgain } from '../file-replays.ts';
import { type Intake, inputRecord } from '../intake.ts';
import { merged, parseUnits } from '../parse.ts';
import type { Parsed } from '../parsed.ts';
import { type RefusedUnit, refusedUnits, stageRejects } from '../refused.ts';
import type { BronzeStep } from '../step.ts';
import type { EarlyUnits } from './early-units.ts';
import { batchPath, inputUnit, inspected, unitPath } from './inspect-units.ts';
import type { Pulling } from './pulling.ts';
import { refuseWhole } from './refuse-whole.ts';
import { joinSpans, spansBack, unitsOfWork } from './spans.ts';
import type { Standing } from './standing.ts';
import { type PathedUnit, unreadableRejects } from './unreadable.ts';

/** One batch on its way into the table. */
export interface Batch {
  readonly units: readonly SealedUnit[];
  /** Units that were refused before and are sent again, under their old paths. */
  readonly again?: readonly PathedUnit[];
  readonly position: Position;
  readonly snapshot: Snapshot | undefined;
  readonly standing: Standing;
  /** Known columns; undefined: the first unit tells. */
  readonly columns: readonly Column[] | undefined;
  /** The units are all that there is: everything else goes. */
  readonly replaces: boolean;
  readonly content?: string;
  /** What was made of its units while the source was asked for more. */
  readonly early?: EarlyUnits | undefined;
}

function pathed(step: BronzeStep, batch: Batch): readonly PathedUnit[] {
  const { name } = step.node;
  const own = batch.units.map((unit, index) => ({
    unit,
    path: unitPath(name, batch.standing.sequence + 1, index, unit.name),
  }));
  return [...own, ...(batch.again ?? [])];
}

/**
 * Takes landed units the way that files go (inspect, parse, quarantine, balance) and commits their rows with the source's new position in one
 * table commit, which succeeds only while the table stands where the batch goes on.
 */
export async function publishBatch(pulling: Pulling, batch: Batch): Promise<StepRecord> {
  try {
    return await published(pulling, batch);
  } finally {
    await batch.early?.end();
  }
}

async function published(pulling: Pulling, batch: Batch): Promise<StepRecord> {
  const { step, place } = pulling;
  const cpu = batch.early?.cpu ?? process.cpuUsage();
  const { name } = step.node;
  const { expected } = batch.standing;
  const own = joinSpans(name, batch.units, batch.replaces ? new Map() : expected);
  const back = batch.replaces ? [] : spansBack(name, own, batch.snapshot?.txns ?? new Map(), expected);
  const spans = [...own, ...back];
  const units = pathed(step, batch);
  await step.run.admit(step.node.key, estimateIntake(units.map(inputUnit), step.run.ledger.lastSuccess(step.node.key)));
  const early = await batch.early?.result();
  const intake = await inspected(pulling, units, batch.columns, early?.inspections ?? new Map());
  const session = early?.session ?? (await step.run.openSession(`${step.run.run_id}/${step.node.key}`));
  try {
    const done = new Set([...(early?.parsed.loaded ?? []), ...(early?.parsed.unfit ?? [])].map(pathOf));
    const rest = intake.accepted.filter(({ unit }) => !done.has(unit.path));
    const { columns: base, fit, unfit } = await layoutOf(step, session, rest, early?.columns ?? batch.columns);
    const { columns } = await evolvedColumns(step, session, fit, base);
    const later = await parseUnits(step, session, fit, columns, NOTHING_EARLY.resultOf);
    const sound = early === undefined ? later : merged([early.parsed, later]);
    const parsed: Parsed = { ...sound, unfit: [...unfit, ...sound.unfit] };
    if (batch.columns === undefined && parsed.loaded.length === 0) throw nothingReadable(step, batch, parsed, intake);
    faultPoint('after-stage');
    const refused = refusedUnits(step, intake, parsed);
    if (batch.replaces) refuseWhole(step, batch.snapshot, refused);
    for (const one of refused) await keepRefused(pulling, units, one);
    const record = await commit(pulling, session, {
      ...batch,
      parsed,
      refused,
      intake,
      paths: units,
      columns,
      base,
      spans,
      cpu,
    });
    const still = new Set(refused.map((one) => one.record.path));
    for (const { path } of batch.again ?? []) if (!still.has(path)) await place.dropRefused(path);
    return record;
  } finally {
    await session.close();
  }
}

function pathOf({ accepted }: { readonly accepted: Intake['accepted'][number] }): string {
  return accepted.unit.path;
}

async function keepRefused({ place }: Pulling, units: readonly PathedUnit[], { record }: RefusedUnit): Promise<void> {
  const found = units.find((one) => one.path === record.path);
  if (found !== undefined && (await place.refused(record.path))?.sha256 !== found.unit.sha256)
    await place.keepRefused(found.unit, record.path);
}

interface Commit extends Batch {
  readonly parsed: Parsed;
  readonly refused: readonly RefusedUnit[];
  readonly intake: Intake;
  readonly paths: readonly PathedUnit[];
  readonly columns: readonly Column[];
  readonly base: readonly Column[];
  readonly spans: readonly Span[];
  readonly cpu: NodeJS.CpuUsage;
}

async function commit(pulling: Pulling, session: EngineSession, c: Commit): Promise<StepRecord> {
  const { step } = pulling;
  const { snapshot, standing, parsed, refused, paths, columns } = c;
  const { loaded } = parsed;
  const { node } = step;
  const units = [...loaded, ...parsed.unfit].map((one) => one.accepted);
  const drift = driftOf(node, step.run.graph, units, snapshot?.columns ?? c.base, columns);
  const unreadable = await unreadableRejects(step, session, paths);
  const quarantine = await stageRejects(step, session, parsed, refused, [], {
    ...unreadable,
    drop: await dropped(pulling, c),
  });
  const lost = paths.reduce((sum, { unit }) => sum + unit.unreadable, 0);
  const used = process.cpuUsage(c.cpu);
  const pulled: PulledOutcome = {
    source: node.name,
    sequence: standing.sequence + 1,
    position: c.position,
    ...(c.replaces ? { replaces: true } : {}),
    ...(c.content === undefined ? {} : { content: c.content }),
    spans: c.spans,
    raw: [...new Set(c.units.flatMap((unit) => unit.raw))],
  };
  const remove = c.replaces ? (snapshot?.files ?? []) : [];
  return await publish(c.replaces ? { ...step, settles: -1 } : step, {
    snapshot,
    mode: remove.length > 0 ? 'rewrite' : 'append',
    add: parsed.candidates,
    remove,
    columns,
    partition_by: [],
    ...unitsOfWork(pulled, snapshot?.txns ?? new Map()),
    inputs: { [node.name]: pulled.sequence },
    balance: {
      rows_in: loaded.reduce((sum, one) => sum + one.accepted.inspection.records, 0) + lost,
      rows_out: loaded.reduce((sum, one) => sum + one.rows, 0),
      quarantined: loaded.reduce((sum, one) => sum + one.rejected, 0) + lost,
      deduplicated: 0,
      filtered: 0,
    },
    tests: driftTests(drift, units),
    ...(drift.length === 0 ? {} : { drift }),
    computed: snapshot === undefined || c.replaces ? 'full' : 'incremental',
    quarantine: quarantine.change,
    quarantine_counts: quarantine.counts,
    returned: refusedAgain(step.replays ?? [], (file) => refused.some((one) => one.record.path === file)),
    replaces_quarantine: c.replaces,
    input_files: inputRecords(step, c),
    pulled,
    usage: { ...session.usage(), bytes_read: paths.reduce((sum, { unit }) => sum + unit.size_bytes, 0) },
    cpu_ms: Math.round((used.user + used.system) / 1000),
  });
}

/** Earlier entries of the quarantine that go: all, when everything is new; those of an attempt that a crash kept from the table. */
async function dropped({ step, quarantine_ahead }: Pulling, c: Commit): Promise<string> {
  if (c.replaces) return 'all';
  const conditions = (c.again ?? []).map(({ path }) => `file = ${quoteText(path)}`);
  if (quarantine_ahead === true || (await quarantineRanAhead(step, c.snapshot?.version)))
    conditions.push(`starts_with(file, ${quoteText(batchPath(step.node.name, c.standing.sequence + 1))})`);
  return conditions.length === 0 ? 'none' : conditions.join(' or ');
}

/** One record of the ledger for each unit: what was unreadable counts as rejected. */
function inputRecords(step: BronzeStep, { paths, parsed, refused }: Commit): readonly InputRecord[] {
  const loaded = new Map(parsed.loaded.map((one) => [one.accepted.unit.path, one]));
  const barred = new Map(refused.map((one) => [one.record.path, one.record]));
  return paths.map((one) => {
    const found = loaded.get(one.path);
    const { unreadable, sha256 } = one.unit;
    const base = { ...inputRecord(step, inputUnit(one), found?.accepted.inspection, 'loaded'), sha256 };
    const record = barred.get(one.path) ?? base;
    return {
      ...record,
      records: record.records + unreadable,
      rejected: (found?.rejected ?? 0) + unreadable,
    };
  });
}

/** Without declared columns, the first rows decide the columns for good: that cannot be left to a batch without any. */
function nothingReadable(step: BronzeStep, batch: Batch, parsed: Parsed, intake: Intake): DataflowError {
  const first = intake.refused[0]?.problem.reason ?? parsed.unfit[0]?.reason;
  return new DataflowError(
    'E_SOURCE_IO',
    `${step.node.key}: no record of the first batch could be read${first === undefined ? '' : `: ${first}`}`,
    {
      kept: `${keptMessage(step, batch.snapshot)}; what was landed lies where it was`,
      hint: 'Declare `columns:`, so that records can go to quarantine one by one.',
    },
  );
}
