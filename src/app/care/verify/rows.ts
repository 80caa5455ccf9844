import type { Project } from '../../../core/model/project.ts';
import { parseTableKey, type TableId, tableKey } from '../../../core/model/table.ts';
import type { Graph } from '../../../core/planning/graph.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../../core/ports/lake.ts';
import type { LogReport } from '../../../core/ports/lake-care.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import type { Rooms } from '../../rooms.ts';
import { type Finding, newestOf } from './finding.ts';
import { keyFindings, loadedRowsFindings, quarantineRowsFindings } from './row-findings.ts';

interface Sound {
  readonly project: Project;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly graph: Graph;
  readonly reports: ReadonlyMap<string, LogReport>;
  /** Tables whose files are as they were published: a reader of damaged Parquet may do anything. */
  readonly sound: readonly TableId[];
}

/** What only the rows can tell: how many came from each input file, whether keys are unique, what lies in quarantine. */
export async function checkRows(rooms: Rooms, open: Sound, signal: AbortSignal): Promise<readonly Finding[]> {
  const work = open.sound.filter((table) => (open.reports.get(tableKey(table))?.versions.at(-1)?.rows ?? 0) > 0);
  if (work.length === 0) return [];
  const engine = await rooms.openEngine(open.project);
  try {
    const findings: Finding[] = [];
    for (const table of work) {
      const report = open.reports.get(tableKey(table));
      const snapshot = report && (await open.lake.snapshot(table, { version: newestOf(report) }));
      if (snapshot === undefined) continue;
      const session = await engine.openSession({ label: `verify/${tableKey(table)}`, signal });
      try {
        findings.push(...(await rowsOf(open, session, snapshot)));
      } finally {
        await session.close();
      }
    }
    return findings;
  } finally {
    await engine.close();
  }
}

async function rowsOf(open: Sound, session: EngineSession, snapshot: Snapshot): Promise<readonly Finding[]> {
  const { table } = snapshot;
  if (table.layer === 'quarantine') {
    const owner = parseTableKey(table.name.replace('_', '.'));
    return owner === undefined ? [] : quarantineRowsFindings(session, owner, snapshot, open.ledger);
  }
  if (table.layer !== 'bronze') return keyFindings(session, snapshot, open.graph.byKey.get(tableKey(table)));
  const appends = open.project.sources[table.name]?.on_rewrite === 'append';
  return loadedRowsFindings(session, snapshot, open.ledger, appends);
}
