import { decisionFrom } from '../../core/model/decision-note.ts';
import { outcomeFrom } from '../../core/model/step-note.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { CommitNote, HistoryEntry, Lake } from '../../core/ports/lake.ts';
import type { DecisionRecord, Ledger, RunRecord } from '../../core/ports/ledger.ts';
import { decidedOf } from '../../medallion/decisions.ts';
import { toldRun } from './told-run.ts';

interface Unrecorded {
  readonly step: string;
  readonly entry: HistoryEntry;
  readonly note: CommitNote;
}

/**
 * Commits of this pipeline's steps that the ledger does not know: a crash came between lake and ledger, or another machine was at work. Costs one folder listing
 * per table when all is well. Commits of other writers carry no note of ours and do not count.
 */
export async function unrecorded(graph: Graph, lake: Lake, ledger: Ledger): Promise<readonly Unrecorded[]> {
  const found: Unrecorded[] = [];
  for (const node of graph.nodes) {
    const table = parseTableKey(node.key);
    const latest = table === undefined ? undefined : await lake.latestVersion(table);
    const known = ledger.lastSuccess(node.key)?.output_version ?? -1;
    if (table === undefined || latest === undefined || latest <= known) continue;
    // Also a commit that changes no row is one that the ledger has to know: a window of a backfill may hold none.
    for (const entry of await lake.history(table, known)) {
      if (entry.note?.step === node.key) found.push({ step: node.key, entry, note: entry.note });
    }
  }
  return found;
}

/** Decisions about rejected rows that were committed before a crash came. */
async function unrecordedDecisions(graph: Graph, lake: Lake, ledger: Ledger): Promise<readonly DecisionRecord[]> {
  const found: DecisionRecord[] = [];
  for (const node of graph.nodes) {
    const table = decidedOf(node);
    const latest = node.layer === 'gold' ? undefined : await lake.latestVersion(table);
    const known = latest === undefined ? -1 : (ledger.decisions(node.key).at(-1)?.decision ?? -1);
    if (latest === undefined || latest <= known) continue;
    for (const entry of await lake.history(table)) {
      const decision = entry.version > known ? decisionFrom(entry.note, entry.version) : undefined;
      if (decision !== undefined) found.push(decision);
    }
  }
  return found;
}

/** Decision 2: the lake is the truth. Enters unrecorded commits from the notes they carry; returns one line for each. */
export async function reconcile(graph: Graph, lake: Lake, ledger: Ledger): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const decision of await unrecordedDecisions(graph, lake, ledger)) ledger.recordDecision(decision);
  const others = new Map<string, RunRecord>();
  const missed = (await unrecorded(graph, lake, ledger)).map(({ step, entry, note }) => {
    const outcome = outcomeFrom(note, entry.version, entry.committed_at_ms);
    const { run_id } = outcome.step;
    const foreign = ledger.run(run_id) === undefined;
    if (foreign) others.set(run_id, toldRun(outcome.step, entry.committed_at_ms, others.get(run_id)));
    return { step, entry, outcome, foreign };
  });
  for (const run of others.values()) ledger.startRun(run);
  for (const { step, entry, outcome, foreign } of missed) {
    ledger.finishStep(outcome);
    if (!foreign) lines.push(`${step} version ${entry.version} was published before a crash; the ledger knows it now`);
  }
  if (others.size === 0) return lines;
  await enterReleases(lake, ledger);
  const theirs = new Set(missed.filter(({ foreign }) => foreign).map(({ step }) => step)).size;
  return [
    ...lines,
    `${theirs} ${theirs === 1 ? 'table was' : 'tables were'} changed by runs of another ledger; this one knows them now`,
  ];
}

/** Releases that another machine made on the same lake: also those that an earlier attempt to enter them did not come to. */
async function enterReleases(lake: Lake, ledger: Ledger): Promise<void> {
  const known = new Set(ledger.releases(Number.MAX_SAFE_INTEGER).map((release) => release.release_id));
  for (const release of await lake.releases()) {
    if (known.has(release.release_id)) continue;
    ledger.recordRelease(release);
    if (release.kept === true) ledger.keepRelease(release.release_id, true);
  }
}
