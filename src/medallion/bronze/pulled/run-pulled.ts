import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Column } from '../../../core/model/table.ts';
import { type Cause, reasonOf } from '../../../core/planning/reasons.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import type { StepRecord } from '../../../core/ports/ledger.ts';
import type { Position, PullResult } from '../../../core/ports/pulled-source.ts';
import { faultPoint } from '../../../kit/fault.ts';
import { timeSortedId } from '../../../kit/ids.ts';
import { groupedDigits } from '../../../kit/units.ts';
import { keptMessage } from '../../publish.ts';
import { quarantineRanAhead } from '../../quarantine.ts';
import { columnsChanged, columnsError } from '../columns-changed.ts';
import { fileReplays, filesSettled } from '../file-replays.ts';
import { remembered } from '../idle.ts';
import { settleDecisions } from '../settle.ts';
import type { BronzeStep } from '../step.ts';
import { contentOf } from './content.ts';
import { EarlyUnits } from './early-units.ts';
import { asksOther } from './one-question.ts';
import { type Batch, publishBatch } from './publish-batch.ts';
import { type PullAhead, pullAhead } from './pull-ahead.ts';
import { pull, pullAll, type Whole } from './pull-units.ts';
import { columnsFor, type Pulling, positionText, pullContext } from './pulling.ts';
import { type Recovered, recover } from './recover.ts';
import { failsByContent, isStale } from './refuse-whole.ts';
import { type Standing, standingOf } from './standing.ts';
import { addUp } from './sum.ts';
import type { PathedUnit } from './unreadable.ts';

/**
 * Ingests a source that is asked: what it brings is landed first, batch by batch, and each batch is one commit that carries the new position. What an
 * earlier run landed and did not commit is taken first.
 */
export async function runPulled(step: BronzeStep): Promise<StepRecord> {
  const { run, node } = step;
  const source = await run.openPulled(node.spec);
  try {
    const pulling: Pulling = { step, source, place: await run.openLanding(node.name) };
    const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
    const changed = columnsChanged(step, snapshot);
    if (changed && step.verdict.mode !== 'full' && source.pulls !== 'snapshot') throw columnsError(step, snapshot);
    const whole = changed && step.verdict.mode === 'full';
    if (snapshot === undefined ? step.anew === true && step.lost === true : step.anew === true || whole) {
      const asked = because(step, [{ kind: 'asked', flag: 'full-refresh' }]);
      const loaded = await takeWhole({ ...pulling, step: { ...asked, anew: true } }, true);
      return (await settleDecisions(step, [])) ?? loaded;
    }
    const { anew: _, ...usual } = step;
    const quarantine_ahead = await quarantineRanAhead(usual, snapshot?.version);
    const again = await fileReplays(usual);
    const settled = await settleDecisions(usual, again);
    const replayed = again.length === 0 ? undefined : await replayRefused({ ...pulling, step: usual }, again);
    const now = { ...pulling, step: nextStep(usual), quarantine_ahead };
    const record = source.pulls === 'snapshot' ? await takeWhole(now, false) : await takeChanges(now);
    const later = await settleDecisions(usual, []);
    return record.status === 'up_to_date' ? (later ?? replayed ?? settled ?? record) : record;
  } finally {
    await source.close();
  }
}

function because(step: BronzeStep, causes: readonly Cause[]): BronzeStep {
  return { ...step, verdict: { ...step.verdict, causes, reason: reasonOf(causes) } };
}

/** Each commit is a step of its own in the ledger. The first one keeps the id under which the step was begun. */
function nextStep(step: BronzeStep, batch = 0): BronzeStep {
  return batch === 0 ? step : { ...step, step_id: timeSortedId(), started_ms: Date.now() };
}

/** Batches until the source has no more at this moment, or as many as one run may take. */
async function takeChanges(first: Pulling): Promise<StepRecord> {
  const next: Next = { ahead: undefined };
  try {
    return await takeBatches(first, next);
  } finally {
    await next.ahead?.stop();
  }
}

/** The batch that is being pulled already, if one is. */
interface Next {
  ahead: PullAhead | undefined;
}

async function takeBatches(first: Pulling, next: Next): Promise<StepRecord> {
  const { run, node } = first.step;
  const done: StepRecord[] = [];
  for (let batch = 0; batch < run.batches_max; batch++) {
    run.signal.throwIfAborted();
    const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
    const standing = await standingOf(run, node, snapshot);
    const pulling = { ...first, step: nextStep(first.step, done.length) };
    const context = pullContext(run, node, standing);
    const columns = await columnsFor(pulling, snapshot, context);
    const early = new EarlyUnits(pulling, columns, standing.sequence + 1);
    const { units, position, result } = await takeBatch(pulling, standing, {
      first: batch === 0,
      columns,
      early,
      next,
    });
    if (units.length > 0) {
      if (result !== undefined && batch + 1 < run.batches_max)
        next.ahead = pullAhead(pulling, { units, result }, standing, columns);
      early.beside = next.ahead !== undefined;
      const words = batchWords(units, result === undefined);
      const now = { units, position, snapshot, standing, columns, replaces: false, early };
      done.push(await publishedWith(pulling, words, now, next));
    }
    const moved = positionText(position) !== positionText(standing.position);
    if (units.length === 0 && moved) run.ledger.sources.recordAhead(node.name, standing.sequence, position);
    if (result !== undefined && (result.caught_up || (units.length === 0 && !moved))) break;
  }
  return addUp(done) ?? idle(first.step, 'no new records');
}

/** One batch into the table. Units of the one that is pulled meanwhile stay. */
async function publishedWith(pulling: Pulling, words: string, batch: Batch, next: Next): Promise<StepRecord> {
  const step = because(pulling.step, [{ kind: 'source', words }]);
  const record = await publishBatch({ ...pulling, step }, batch);
  await committed(pulling, batch.position, next.ahead === undefined ? undefined : batch.units);
  return record;
}

/** What a batch takes. */
interface Taken {
  readonly units: readonly SealedUnit[];
  readonly position: Position;
  /** Absent where an earlier run landed it. */
  readonly result: PullResult | undefined;
}

/**
 * At first what an earlier run landed; what else lies there goes. Then the batch that was pulled ahead, if the table stands where it begins. Else the source
 * is asked now.
 */
async function takeBatch(
  pulling: Pulling,
  standing: Standing,
  how: {
    readonly first: boolean;
    readonly columns: readonly Column[] | undefined;
    readonly early: EarlyUnits;
    readonly next: Next;
  },
): Promise<Taken> {
  const { first, columns, early, next } = how;
  const { place, source } = pulling;
  const found = first ? await recover(place, standing.position, source) : undefined;
  if (found !== undefined) return { ...found, result: undefined };
  const { ahead } = next;
  next.ahead = undefined;
  const continues = ahead?.continues(standing) === true;
  if (!continues) {
    await ahead?.stop();
    if (first || ahead !== undefined) await place.remove();
  }
  const pulled = continues ? await ahead.result(early) : await pull(pulling, standing, columns, early);
  return { ...pulled, position: pulled.result.position };
}

function batchWords(units: readonly SealedUnit[], earlier: boolean): string {
  const records = units.reduce((sum, unit) => sum + unit.records + unit.unreadable, 0);
  const words = `${groupedDigits(records)} new ${records === 1 ? 'record' : 'records'}`;
  return earlier ? `${words}, landed by an earlier run` : words;
}

/** After the commit: the landed units are no longer needed, and whoever else keeps count is told. @param units only these; absent: all that lie there */
async function committed(
  { step, source, place }: Pulling,
  position: Position,
  units?: readonly SealedUnit[],
): Promise<void> {
  await place.remove(units);
  faultPoint('after-landing-removed');
  try {
    await source.committed?.(position);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    step.run.notice(
      `${step.node.name}: the rows are in the lake, but the source could not be told: ${step.run.redact(text)}`,
    );
  }
}

/** Everything that the source has, which replaces all there was: a snapshot, or everything from the beginning because that was asked for. */
async function takeWhole(pulling: Pulling, anew: boolean): Promise<StepRecord> {
  const { step, source, place } = pulling;
  const { run, node } = step;
  const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
  const before = await standingOf(run, node, snapshot, anew);
  const standing: Standing = anew ? { ...before, position: null, expected: new Map() } : before;
  const there = anew ? undefined : await recoverWhole(pulling, standing.position);
  const found = there?.whole === true && isStale(there, run.now_ms) ? undefined : there;
  if (found === undefined) await place.remove();
  const landed = found?.whole === true ? found : undefined;
  const from_raw = anew && !asksOther(source, before.position) && (await place.raw.entries()).length > 0;
  const columns = await columnsFor(pulling, snapshot, pullContext(run, node, standing));
  // An unchanged snapshot would be parsed for nothing.
  const early =
    before.content === undefined || anew
      ? new EarlyUnits(pulling, columns, before.sequence + 1, found?.units.length)
      : undefined;
  const whole: Whole = landed ?? (await pullAll(pulling, standing, { columns, from_raw, begun: found, early }));
  const { units, position, unchanged } = whole;
  const content = await contentOf(units, node.spec);
  const same = content === before.content && snapshot !== undefined && !anew;
  if (unchanged === true || same || (units.length === 0 && snapshot === undefined)) {
    await early?.end();
    await place.remove();
    if (before.sequence > 0 && positionText(position) !== positionText(before.position))
      run.ledger.sources.recordAhead(node.name, before.sequence, position);
    return idle(step, snapshot === undefined ? 'the source holds no record' : unchangedWords(snapshot));
  }
  refuseEmpty(step, snapshot, units);
  const words = `${batchWords(units, landed !== undefined).replace(' new ', ' ')} replace all there was`;
  const batch: Batch = {
    units,
    position,
    snapshot,
    standing: { ...before, expected: new Map() },
    columns,
    replaces: true,
    content,
    early,
  };
  const reason = anew ? step : because(step, [{ kind: 'source', words }]);
  const record = await publishBatch({ ...pulling, step: reason }, batch).catch(async (error: unknown) => {
    if (failsByContent(error)) await place.remove();
    throw error;
  });
  await committed(pulling, position);
  return record;
}

/** What an earlier run landed of a snapshot: all of it, or the beginning of one that may go on. */
async function recoverWhole(
  { step, source, place }: Pulling,
  position: Position | null,
): Promise<Recovered | undefined> {
  if (source.pulls === 'changes' || source.resumes === undefined) return await recover(place, position, source);
  const found = await recover(place, position, source, true);
  if (found === undefined || found.whole) return found;
  const alone = found.units.length === (await place.count());
  return alone && source.resumes(found.position, step.run.now_ms) ? found : undefined;
}

function unchangedWords({ version, committed_at_ms }: Snapshot): string {
  return `unchanged since ${new Date(committed_at_ms).toISOString().slice(0, 19)}Z (version ${version})`;
}

/** A system that suddenly holds nothing is more often ill than empty. */
function refuseEmpty(step: BronzeStep, snapshot: Snapshot | undefined, units: readonly SealedUnit[]): void {
  if (snapshot === undefined || snapshot.rows === 0 || step.run.allow_missing) return;
  if (units.some((unit) => unit.records + unit.unreadable > 0)) return;
  throw new DataflowError(
    'E_SOURCE_GONE',
    `source ${step.node.name} holds no record any more; the table has ${snapshot.rows}`,
    {
      kept: keptMessage(step, snapshot),
      hint: 'Look at the source; if it was emptied on purpose, run with --allow-missing.',
    },
  );
}

/** Units that were refused as a whole are read again from where they were kept. */
async function replayRefused(
  pulling: Pulling,
  files: Awaited<ReturnType<typeof fileReplays>>,
): Promise<StepRecord | undefined> {
  const { run, node } = pulling.step;
  const again: PathedUnit[] = [];
  for (const { file } of files) {
    const unit = await pulling.place.refused(file);
    if (unit !== undefined) again.push({ unit, path: file });
  }
  const snapshot = await run.lake.snapshot({ layer: 'bronze', name: node.name });
  const standing = await standingOf({ ...run, redo: false }, node, snapshot);
  if (again.length === 0 || standing.committed === null) return undefined;
  const columns = await columnsFor(pulling, snapshot, pullContext(run, node, standing));
  const step = because({ ...pulling.step, step_id: timeSortedId(), replays: files }, [
    { kind: 'decided', decisions: 1 },
  ]);
  const loaded = await publishBatch(
    { ...pulling, step },
    { units: [], again, position: standing.committed, snapshot, standing, columns, replaces: false },
  );
  return filesSettled(step, loaded, files);
}

function idle(step: BronzeStep, words: string): StepRecord {
  const record = remembered(step, words, undefined);
  step.run.ledger.finishStep({ step: record });
  return record;
}
