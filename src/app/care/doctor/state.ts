import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Project } from '../../../core/model/project.ts';
import type { Graph } from '../../../core/planning/graph.ts';
import type { Lake } from '../../../core/ports/lake.ts';
import type { Leases } from '../../../core/ports/leases.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { lostRemedy, lostWords } from '../../../medallion/bronze/lost.ts';
import { judgedRun } from '../../run/judged-run.ts';
import { unrecorded } from '../../run/reconcile.ts';
import { stagingKept } from '../../run/staging-kept.ts';
import { lostTables } from '../verify/lost-findings.ts';
import { withMirrors } from '../verify/mirror-remedy.ts';
import { type DoctorFinding, fail, failure, ok, warn } from './finding.ts';

/** Clocks of different machines, and the granularity of file systems, differ by so much. */
const CLOCK_SLACK_MS = 60_000;

/** The clock against what was published and recorded: nothing can have happened later than now. */
export async function clock(lake: Lake, ledger: Ledger | undefined, now_ms: number): Promise<readonly DoctorFinding[]> {
  let newest_ms = Math.max(0, ...(ledger?.runs(1) ?? []).map((run) => Date.parse(run.started_at)));
  let what = 'the last run began';
  for (const table of await lake.tables()) {
    const snapshot = await lake.snapshot(table).catch(() => undefined);
    if (snapshot === undefined || snapshot.committed_at_ms <= newest_ms) continue;
    newest_ms = snapshot.committed_at_ms;
    what = `${table.layer}.${table.name} was published`;
  }
  const now = new Date(now_ms).toISOString();
  if (newest_ms <= now_ms + CLOCK_SLACK_MS) return [ok('clock', `${now.slice(0, 19)} UTC`)];
  return [
    warn(
      'clock',
      `it says ${now}, but ${what} at ${new Date(newest_ms).toISOString()}`,
      'Set the clock (timedatectl). Nothing is lost: versions are ordered by number, and times in the lake never go back.',
    ),
  ];
}

/** Locks that are held, and by whom. */
export function locks(ledger: Ledger): readonly DoctorFinding[] {
  const holders = ledger.lockHolders();
  if (holders.length === 0) return [ok('locks', 'no run is under way')];
  return holders.map(({ scope, pid, host, since, command, state }) => {
    const who = `${scope} is held by process ${pid} on ${host} since ${since} (${command})`;
    if (state === 'alive') return ok('locks', `${who}, which is running`);
    if (state === 'dead')
      return warn('locks', `${who}, which has died`, 'Nothing to do by hand: the next run takes the lock over.');
    return warn(
      'locks',
      `${who}; from here nobody can tell whether it still runs`,
      `Look on ${host}: the next run there takes a dead lock over. If ${host} is gone for good, dataflow ledger rebuild drops its lock.`,
    );
  });
}

/** What a run that died left to do: the next run does all of it by itself. */
export async function unfinished(graph: Graph, lake: Lake, ledger: Ledger): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  const alive = ledger.lockHolders().some((holder) => holder.state !== 'dead');
  const running = ledger.runs(50).filter((run) => run.status === 'running');
  if (!alive) {
    for (const run of running)
      found.push(
        warn('runs', `run ${run.run_id} died before it ended`, 'The next `dataflow run` finishes what it began.'),
      );
    for (const one of await unrecorded(graph, lake, ledger))
      found.push(
        warn(
          'ledger',
          `${one.step} version ${one.entry.version} is published, but the ledger does not know it`,
          'The next `dataflow run` enters it; or `dataflow ledger rebuild`.',
        ),
      );
  }
  const failed = ledger.latestSteps().filter((step) => step.status === 'failed');
  for (const step of failed)
    found.push(
      warn(
        'runs',
        `${step.step} failed in its last run: ${step.reason}`,
        `dataflow why ${step.step}; then dataflow retry`,
      ),
    );
  return found.length > 0 ? found : [ok('runs', 'none is left unfinished')];
}

/** Tables that were published and are no longer there. */
export async function lost(project: Project, lake: Lake, ledger: Ledger): Promise<readonly DoctorFinding[]> {
  const tables = await lostTables(lake, ledger);
  if (tables.size === 0) return [ok('tables', 'all that were published are there')];
  const found = [...tables].map(([table, known]) => ({
    ...{ table, path: null, remedy: lostRemedy(table) },
    words: lostWords({ table, known, latest: undefined }),
  }));
  return withMirrors(project, ledger, found).map(({ words, remedy }) => fail('tables', words, remedy));
}

/** Files of runs that are gone. */
export async function leftovers(lake: Lake, ledger: Ledger, leases: Leases): Promise<readonly string[]> {
  const kept = new Set(await stagingKept(ledger, leases));
  // Without a live holder of a lock, whatever is marked as running has died.
  if (!ledger.lockHolders().some((holder) => holder.state !== 'dead'))
    for (const run of ledger.runs(50)) if (run.status === 'running') kept.delete(run.run_id);
  return await lake.leftovers(kept, false);
}

export function leftoverFinding(paths: readonly string[]): DoctorFinding {
  if (paths.length === 0) return ok('left-over files', 'none');
  const shown = paths.slice(0, 3).join(', ');
  return warn(
    'left-over files',
    `${paths.length} that no table needs: ${shown}${paths.length > 3 ? ', …' : ''}`,
    'The next run that has something to do collects them, or `dataflow compact`.',
  );
}

/** Opens the ledger, or says what is wrong with it. */
export async function openLedger(
  open: () => Promise<Ledger>,
  has_tables: boolean,
): Promise<{ readonly ledger: Ledger | undefined; readonly findings: readonly DoctorFinding[] }> {
  try {
    const ledger = await open();
    const [last] = ledger.runs(1);
    const says = last === undefined ? 'no run yet' : `last run ${last.run_id}: ${judgedRun(ledger, last).status}`;
    return { ledger, findings: [ok('ledger', says)] };
  } catch (error) {
    const missing = error instanceof DataflowError && error.code === 'E_LEDGER_MISSING';
    if (missing && !has_tables) return { ledger: undefined, findings: [ok('ledger', 'made by the first run')] };
    const remedy = 'dataflow ledger rebuild makes it anew from the lake.';
    const findings = missing
      ? [fail('ledger', 'the lake has tables, but its ledger is gone', remedy)]
      : [failure('ledger', error)];
    return { ledger: undefined, findings };
  }
}
