import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Project } from '../../../core/model/project.ts';
import { pulledFrom } from '../../../core/model/pulled.ts';
import { quarantineOf, type TableId } from '../../../core/model/table.ts';
import { planRetention } from '../../../core/planning/retention.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Lake } from '../../../core/ports/lake.ts';
import type { CollectionRules } from '../../../core/ports/lake-care.ts';
import type { LandingCare, LandingCollection, LandingRules } from '../../../core/ports/landing-care.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { quoteText } from '../../../kit/sql.ts';
import { relationOf } from '../../../medallion/context.ts';
import { decidedInput, decidedOf } from '../../../medallion/decisions.ts';
import type { Rooms } from '../../rooms.ts';
import { readableHistory } from './retention-rules.ts';

const DAY_MS = 86_400_000;

export interface CollectLanding {
  readonly rooms: Rooms;
  readonly project: Project;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly grace_ms: number;
  readonly rules: (table: TableId) => Promise<CollectionRules>;
  readonly openSession: (label: string) => Promise<EngineSession>;
}

/** What was collected beside the lake of one source, or would be. */
export type CollectedLanding = Omit<LandingCollection, 'files' | 'index'>;

/** What may go of what sources left beside the lake; changes nothing. */
export async function planLanding(
  work: CollectLanding,
  sources?: ReadonlySet<string>,
): Promise<readonly LandingCollection[]> {
  const care = await work.rooms.openLandingCare(work.project);
  const plans: LandingCollection[] = [];
  for (const source of await care.sources()) {
    if (sources !== undefined && !sources.has(source)) continue;
    const plan = await care.plan(source, await rulesFor(work, care, source));
    if (plan.files.length > 0 || plan.index !== undefined) plans.push(plan);
  }
  return plans;
}

/**
 * Collects it, under the lock of runs: they write there too.
 * @returns undefined when a run is at work; it is left for the next time then.
 */
export async function collectLanding(
  work: CollectLanding,
  command: string,
  sources?: ReadonlySet<string>,
): Promise<readonly LandingCollection[] | undefined> {
  if ((await planLanding(work, sources)).length === 0) return [];
  const lock = lockOf(work, command);
  if (lock === undefined) return undefined;
  try {
    const care = await work.rooms.openLandingCare(work.project);
    const plans = await planLanding(work, sources);
    for (const plan of plans) {
      lock.check();
      await care.collect(plan);
    }
    return plans;
  } finally {
    lock.release();
  }
}

function lockOf({ ledger, project }: CollectLanding, command: string): ReturnType<Ledger['lock']> | undefined {
  try {
    return ledger.lock(`pipeline:${project.name}`, command);
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LOCKED') return undefined;
    throw error;
  }
}

const EVERYTHING = { before_ms: Number.POSITIVE_INFINITY, needed: new Set<string>() };

async function rulesFor(work: CollectLanding, care: LandingCare, source: string): Promise<LandingRules> {
  const there = await care.plan(source, { refused: EVERYTHING, responses: EVERYTHING });
  const { pulled } = work.project.sources[source] ?? {};
  const refused = there.refused_units === 0 ? undefined : await refusedRule(work, source);
  const responses = there.responses === 0 && there.index === undefined ? undefined : await responsesRule(work, source);
  return {
    torn_before_ms: Date.now() - work.grace_ms,
    ...(pulled === true ? {} : { landed_before_ms: Date.now() - work.grace_ms }),
    ...(refused === undefined ? {} : { refused }),
    ...(responses === undefined ? {} : { responses }),
  };
}

/** A refused unit is needed while its entry is open, or may still be decided on anew; and as long as an undo can bring the entry back. */
async function refusedRule(work: CollectLanding, source: string): Promise<NonNullable<LandingRules['refused']>> {
  const { lake, ledger, project, grace_ms } = work;
  const { versions_days, quarantine_days } = project.lake.keep;
  const table: TableId = { layer: 'bronze', name: source };
  const applied = ledger.lastSuccess(`bronze.${source}`)?.inputs[decidedInput(table)] ?? -1;
  const decided_since = new Date(Date.now() - quarantine_days * DAY_MS).toISOString();
  const needed = new Set<string>();
  const session = await work.openSession(`compact/landing/${source}`);
  try {
    for (const [kept, condition] of [
      [quarantineOf(table), 'true'],
      [decidedOf(table), `(decided_at >= cast(${quoteText(decided_since)} as timestamptz) or decision > ${applied})`],
    ] as const) {
      const snapshot = await lake.snapshot(kept);
      if (snapshot === undefined) continue;
      await session.bind(relationOf(snapshot, kept.name));
      const sql = `select distinct file from ${kept.name} where raw is null and file is not null and ${condition}`;
      for (const row of await session.rows(sql, { rows_max: 10_000_000 })) needed.add(String(row['file']));
    }
  } finally {
    await session.close();
  }
  return { before_ms: Date.now() - Math.max(versions_days * DAY_MS, grace_ms), needed };
}

/**
 * The responses of a source that is taken whole are needed by the versions that they made; those of one that adds by every table that may be
 * made anew from them, so they only go when the project says after how many days.
 */
async function responsesRule(work: CollectLanding, source: string): Promise<LandingRules['responses']> {
  const { project, lake, grace_ms } = work;
  const { raw_days, versions_days } = project.lake.keep;
  const days = raw_days ?? ((await isWhole(work, source)) ? versions_days : undefined);
  if (days === undefined) return undefined;
  const table: TableId = { layer: 'bronze', name: source };
  const history = await readableHistory(lake, table);
  if (history.length === 0) return undefined;
  const retention = planRetention({ versions: history, ...(await work.rules(table)) });
  const needed = history
    .filter(({ version }) => version >= retention.from || retention.pinned.includes(version))
    .flatMap(({ note, version }) =>
      note?.['pulled'] == null ? [] : pulledFrom(note['pulled'], `version ${version}`).raw,
    );
  return { before_ms: Date.now() - Math.max(days * DAY_MS, grace_ms), needed: new Set(needed) };
}

async function isWhole({ rooms, project }: CollectLanding, name: string): Promise<boolean> {
  const spec = project.sources[name];
  if (spec?.pulled !== true) return false;
  const source = await rooms.openPulled(spec, project);
  const { pulls } = source;
  await source.close();
  return pulls === 'snapshot';
}
