import { parseTableKey, quarantineOf, tableKey } from '../../core/model/table.ts';
import { type Graph, type Node, parentsOf } from '../../core/planning/graph.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { inputsMadeAnew, releasedMadeAnew } from './made-anew.ts';

type Tables = ReleaseRecord['tables'];

/**
 * The present table versions, if they belong together: each table was computed from the very versions of its inputs that are current now
 * (decision 7). Undefined when some table lags behind, as after a run of a selection: then the release before stays the newest.
 */
export async function releasable(graph: Graph, lake: Lake, ledger: Ledger): Promise<Tables | undefined> {
  const tables: Record<string, number> = {};
  for (const node of graph.nodes) {
    const table = parseTableKey(node.key);
    const version = table === undefined ? undefined : await lake.latestVersion(table);
    if (version !== undefined) tables[node.key] = version;
  }
  for (const node of graph.nodes) if (await lagsBehind(node, tables, lake, ledger)) return undefined;
  if (Object.keys(tables).length === 0) return undefined;
  const whole = { ...tables, ...(await rejectsOf(graph, lake)) };
  return settledOn(lake, whole, ledger.latestRelease()?.tables);
}

async function lagsBehind(node: Node, tables: Tables, lake: Lake, ledger: Ledger): Promise<boolean> {
  const last = ledger.lastSuccess(node.key);
  if (last === undefined) return false;
  // Lost; a table that was never published is not waited for.
  if (tables[node.key] === undefined) return last.output_version !== undefined;
  // Partly of an older definition: a backfill that was not finished.
  if (last.code_fingerprint === undefined || inputsMadeAnew(ledger, last).length > 0) return true;
  for (const parent of parentsOf(node))
    if (last.inputs[parent] !== undefined && !(await sameRows(lake, parent, last.inputs[parent], tables[parent])))
      return true;
  return false;
}

/** The rejected rows belong to a release: an undo brings them back with the table. */
async function rejectsOf(graph: Graph, lake: Lake): Promise<Tables> {
  const tables: Record<string, number> = {};
  for (const node of graph.nodes) {
    const table = quarantineOf({ layer: node.layer, name: node.name });
    const version = await lake.latestVersion(table);
    if (version !== undefined) tables[tableKey(table)] = version;
  }
  return tables;
}

/** Compaction gives a table a new version with the rows of the one before. */
async function sameRows(lake: Lake, key: string, from: number, to: number | undefined): Promise<boolean> {
  const table = parseTableKey(key);
  return from === to || (table !== undefined && to !== undefined && (await lake.onlyRearranged(table, from, to)));
}

/** The tables of the newest release when nothing but compaction happened since: that makes no new release. */
async function settledOn(lake: Lake, tables: Tables, newest: Tables | undefined): Promise<Tables> {
  const names = Object.keys(tables);
  if (newest === undefined || names.length !== Object.keys(newest).length) return tables;
  for (const name of names) {
    const [before, now] = [newest[name], tables[name]];
    if (before === undefined || !(await sameRows(lake, name, before, now))) return tables;
  }
  return newest;
}

/** Whether the newest release holds these very tables, and none that was made anew since. */
export function isReleased(ledger: Ledger, tables: Tables): boolean {
  const newest = ledger.latestRelease();
  return newest !== undefined && sameTables(tables, newest.tables) && releasedMadeAnew(ledger, newest).length === 0;
}

function sameTables(a: Tables, b: Tables): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Records a release when it differs from the newest one, in the lake and then in the ledger; returns the id of the newest. */
export async function recordRelease(
  lake: Lake,
  ledger: Ledger,
  run_id: string,
  tables: Tables | undefined,
): Promise<string | undefined> {
  const newest = ledger.latestRelease();
  if (tables === undefined || isReleased(ledger, tables)) return newest?.release_id;
  const stored = (await lake.releases()).at(-1);
  // A crash came between lake and ledger.
  const left = stored !== undefined && stored.release_id !== newest?.release_id && sameTables(tables, stored.tables);
  const release = left ? stored : { release_id: timeSortedId(), run_id, created_at: new Date().toISOString(), tables };
  if (!left) await lake.recordRelease(release);
  faultPoint('after-release');
  ledger.recordRelease(release);
  return release.release_id;
}
