import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import { estimateIntake } from '../../core/planning/estimate.ts';
import { type Cause, filesCause, reasonOf } from '../../core/planning/reasons.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { InputRecord, StepRecord } from '../../core/ports/ledger.ts';
import type { KnownInput, Source, SourceContext } from '../../core/ports/source.ts';
import { faultPoint } from '../../kit/fault.ts';
import { keptMessage, publish } from '../publish.ts';
import { knownColumns, layoutOf } from './columns.ts';
import { columnsChanged, columnsError } from './columns-changed.ts';
import { discoverSource } from './discover.ts';
import { driftOf } from './drift.ts';
import { driftTests } from './drift-tests.ts';
import { earlyUnits, NOTHING_EARLY, parseEarly } from './early-parse.ts';
import { type Evolved, evolvedColumns } from './evolve.ts';
import { fileReplays, filesSettled, refusedAgain } from './file-replays.ts';
import { refuseForgotten, unitOfWork } from './forgotten.ts';
import { refuseLeftOut, refuseMany, removedRecords } from './gone.ts';
import { onlyRefused, onlyRemember } from './idle.ts';
import { stepSession } from './in-place.ts';
import { type AcceptedUnit, type Intake, inputRecord, mendedArchives, takeIn } from './intake.ts';
import { parseUnits } from './parse.ts';
import type { Parsed } from './parsed.ts';
import { barredUnit, type RefusedUnit, refusedUnits, stageRejects } from './refused.ts';
import { replacedRows } from './replaced-rows.ts';
import { settleDecisions } from './settle.ts';
import type { BronzeStep } from './step.ts';

/** Ingests one source: inspects new units, parses the sound ones, quarantines the rest, publishes all of it as one version. */
export async function runBronze(step: BronzeStep): Promise<StepRecord> {
  const { run, node } = step;
  const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
  const changed = columnsChanged(step, snapshot);
  if (changed && step.verdict.mode !== 'full') throw columnsError(step, snapshot);
  if (changed || (step.anew === true && (snapshot !== undefined || step.lost === true))) {
    const asked = because(step, [{ kind: 'asked', flag: 'full-refresh' }]);
    const loaded = await loadAnew({ ...asked, anew: true }, snapshot);
    return (await settleDecisions(step, [])) ?? loaded;
  }
  const { anew: _, ...usual } = step;
  const again = await fileReplays(usual);
  const settled = await settleDecisions(usual, again);
  const found = await discoverSource(usual, new Set(again.map((one) => one.file)));
  const causes: Cause[] = again.length > 0 ? [{ kind: 'decided', decisions: 1 }] : [];
  const now = await run.lake.snapshot({ layer: 'bronze', name: node.name });
  const asked = because({ ...usual, replays: again }, [
    ...causes,
    filesCause(found.discovery, found.known, found.gone),
  ]);
  refuseMany(asked, now, found.gone);
  const loaded = await load(asked, now, found);
  const record = again.length > 0 ? filesSettled(usual, loaded, again) : loaded;
  // A file that came with new content may hold records again that were decided on before.
  const later = await settleDecisions(usual, []);
  return record.status === 'up_to_date' ? (later ?? settled ?? record) : record;
}

/** The step with what was found at its source as the reason, in the words of `plan`. */
function because(step: BronzeStep, causes: readonly Cause[]): BronzeStep {
  return { ...step, verdict: { ...step.verdict, causes, reason: reasonOf(causes) } };
}

/** Every file is read again with the new columns; refused when a loaded file is gone, since its rows would be lost. */
async function loadAnew(step: BronzeStep, snapshot: Snapshot | undefined): Promise<StepRecord> {
  const found = await discoverSource(step);
  refuseMany(step, snapshot, found.gone);
  const removed = new Set(found.gone.paths);
  const loaded = [...found.known.values()].filter((one) => one.status === 'loaded' && !removed.has(one.path));
  const vanished = new Set(found.discovery.vanished);
  const gone = loaded.map((one) => one.path).filter((path) => vanished.has(path));
  if (gone.length > 0) {
    throw new DataflowError(
      'E_SCHEMA_CHANGED',
      `${step.node.key}: ${gone.length} loaded files are no longer there (${gone.slice(0, 3).join(', ')})`,
      {
        kept: keptMessage(step, snapshot),
        hint: 'Loading anew would lose their rows: bring the files back, or restore the columns if they were changed.',
      },
    );
  }
  const nothing: ReadonlyMap<string, KnownInput> = new Map();
  return load(step, snapshot, {
    ...found,
    known: nothing,
    discovery: await found.source.discover(nothing, found.context),
    must_take: loaded.map((one) => one.path),
  });
}

type Found = Awaited<ReturnType<typeof discoverSource>> & {
  /** Loaded units that the table must not lose. */
  readonly must_take?: readonly string[];
};

async function load(step: BronzeStep, snapshot: Snapshot | undefined, found: Found): Promise<StepRecord> {
  const { run, node } = step;
  const cpu = process.cpuUsage();
  const { source, known, discovery, gone } = found;
  const fixed = knownColumns(step, snapshot);
  const sessions = stepSession(step, source);
  const { in_place } = sessions;
  const context: SourceContext = {
    ...found.context,
    ...(fixed === undefined ? {} : { columns: fixed }),
    ...(in_place === undefined ? {} : { in_place }),
  };
  const barred = discovery.refused.filter((one) => !known.has(one.path));
  const mended = mendedArchives(discovery, known);
  const isIdle = (taken: Intake): boolean =>
    taken.accepted.length + taken.refused.length + barred.length + gone.paths.length + mended.length === 0;
  const take = async (): Promise<Intake> => {
    const taken = await takeIn(step, source, context, discovery, known, gone.paths);
    refuseLeftOut(step, snapshot, found.must_take ?? [], taken);
    return taken;
  };
  if (discovery.fresh.length > 0)
    await run.admit(node.key, estimateIntake(discovery.fresh, run.ledger.lastSuccess(node.key)));
  const unread = in_place === undefined ? earlyUnits(discovery, known) : [];
  let early = NOTHING_EARLY;
  try {
    const taking = take();
    if (unread.length === 0) {
      const intake = await taking;
      if (isIdle(intake)) return await onlyRemember(step, intake, snapshot);
    }
    const session = await besides(taking, sessions.open());
    if (fixed !== undefined) early = parseEarly(step, session, { source, context }, unread, fixed);
    const intake = await taking;
    await early.settle();
    if (isIdle(intake)) return await onlyRemember(step, intake, snapshot);
    await refuseForgotten(step, session, { snapshot, accepted: intake.accepted, known });
    const { columns: base, fit, unfit } = await layoutOf(step, session, intake.accepted, fixed);
    const { columns, types } = await evolvedColumns(step, session, fit, base);
    const sound = await parseUnits(
      step,
      session,
      fit,
      columns,
      columns === base ? early.resultOf : NOTHING_EARLY.resultOf,
    );
    const parsed = { ...sound, unfit: [...unfit, ...sound.unfit] };
    await refuseChanged(source, intake, parsed);
    faultPoint('after-stage');
    const refused = [...refusedUnits(step, intake, parsed), ...barred.map((one) => barredUnit(step, one))];
    return await publishLoad(step, session, {
      snapshot,
      intake,
      parsed,
      refused,
      columns,
      types,
      base,
      gone: gone.paths,
      mended,
      known: known.size,
      cpu,
    });
  } finally {
    await early.settle();
    await sessions.close();
  }
}

/** What `own` comes to, while `other` goes on; if it fails, `other` is waited for, so that it does not outlive the step. */
async function besides<T>(other: Promise<unknown>, own: Promise<T>): Promise<T> {
  const ended = other.catch(() => undefined);
  try {
    return await own;
  } catch (error) {
    await ended;
    throw error;
  }
}

interface Load {
  readonly snapshot: Snapshot | undefined;
  readonly intake: Intake;
  readonly parsed: Parsed;
  readonly refused: readonly RefusedUnit[];
  readonly columns: readonly Column[];
  readonly types: Evolved['types'];
  /** The columns before these files were looked at. */
  readonly base: readonly Column[];
  /** Units whose rows go because they are no longer there. */
  readonly gone: readonly string[];
  /** Archives whose refusal is over. */
  readonly mended: readonly string[];
  /** Units known before. */
  readonly known: number;
  readonly cpu: NodeJS.CpuUsage;
}

async function publishLoad(step: BronzeStep, session: EngineSession, load: Load): Promise<StepRecord> {
  const { snapshot, parsed, refused, columns } = load;
  const { loaded } = parsed;
  const old =
    step.anew === true
      ? { add: [], remove: snapshot?.files ?? [] }
      : await replacedRows(step, session, { loaded, gone: load.gone }, snapshot, columns);
  const units = [...loaded, ...parsed.unfit].map((one) => one.accepted);
  const drift = driftOf(step.node, step.run.graph, units, snapshot?.columns ?? load.base, columns, load.types);
  const tests = driftTests(drift, units);
  const quarantine = await stageRejects(step, session, parsed, refused, [...load.gone, ...load.mended]);
  if (loaded.length + old.remove.length + load.gone.length === 0) {
    return await onlyRefused(step, refused, load.intake, { ...quarantine, drift, tests }, snapshot);
  }
  const files = [
    ...loaded.map((one) => loadedRecord(step, one)),
    ...refused.map((one) => one.record),
    ...load.intake.known,
    ...removedRecords(step, load.gone),
  ];
  const dialect = loaded.find((one) => one.accepted.inspection.dialect !== undefined)?.accepted.inspection.dialect;
  const used = process.cpuUsage(load.cpu);
  // Records that were decided on may be rejected again now: their decisions have to be carried out once more.
  const reloads = step.anew === true || loaded.some((one) => one.accepted.replaces);
  return await publish(reloads ? { ...step, settles: -1 } : step, {
    snapshot,
    mode: old.remove.length > 0 ? 'rewrite' : 'append',
    add: [...old.add, ...parsed.candidates],
    remove: old.remove,
    columns,
    partition_by: [],
    txns: loaded.map(({ accepted }) => unitTxn(step, accepted, snapshot)),
    inputs: { [step.node.name]: load.known + files.length },
    balance: {
      rows_in: loaded.reduce((sum, one) => sum + one.accepted.inspection.records, 0),
      rows_out: loaded.reduce((sum, one) => sum + one.rows, 0),
      quarantined: loaded.reduce((sum, one) => sum + one.rejected, 0),
      deduplicated: 0,
      filtered: 0,
    },
    tests,
    ...(drift.length === 0 ? {} : { drift }),
    computed: snapshot === undefined || step.anew === true ? 'full' : 'incremental',
    quarantine: quarantine.change,
    quarantine_counts: quarantine.counts,
    returned: refusedAgain(step.replays ?? [], (file) => refused.some((one) => one.record.path === file)),
    replaces_quarantine: step.anew === true,
    input_files: files,
    ...(dialect === undefined ? {} : { dialect: { source: step.node.name, dialect } }),
    usage: { ...session.usage(), bytes_read: sourceBytes(load.intake) },
    cpu_ms: Math.round((used.user + used.system) / 1000),
  });
}

/** Every file that was looked at was read, also those that are refused or known. */
function sourceBytes({ discovery }: Intake): number {
  return discovery.fresh.reduce((sum, unit) => sum + unit.size_bytes, 0);
}

/** Somebody wrote to a file while it was read: the whole batch is dropped, so that nothing half-read is published. */
async function refuseChanged(source: Source, intake: Intake, parsed: Parsed): Promise<void> {
  const units = [
    ...parsed.loaded.map((one) => one.accepted.unit),
    ...parsed.unfit.map((one) => one.accepted.unit),
    ...intake.refused.map((one) => one.unit),
  ];
  for (const unit of units) {
    if (await source.unchangedSince(unit)) continue;
    throw new DataflowError('E_SOURCE_CHANGED', `${unit.path} changed while it was read`, {
      place: { file: unit.path },
      kept: 'nothing of this batch was published; the next run takes it again',
    });
  }
}

function loadedRecord(step: BronzeStep, one: Parsed['loaded'][number]): InputRecord {
  return { ...inputRecord(step, one.accepted.unit, one.accepted.inspection, 'loaded'), rejected: one.rejected };
}

/** The unit of work: this content of this source. Its number grows when the same content comes back after another. */
function unitTxn(
  step: BronzeStep,
  accepted: AcceptedUnit,
  snapshot: Snapshot | undefined,
): { app_id: string; version: number } {
  const app_id = unitOfWork(step, accepted);
  return { app_id, version: (snapshot?.txns.get(app_id) ?? 0) + 1 };
}
