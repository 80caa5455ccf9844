import type { GraphShape, GraphTable } from '../../core/contract/pipeline.ts';
import type { Project } from '../../core/model/project.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { type StatusReport, showStatus } from '../explain/show-status.ts';
import { judgedRun, judgedSteps } from '../run/judged-run.ts';
import type { LiveTable } from '../watch/live-state.ts';
import { liveTables } from '../watch/read-live.ts';
import type { Redact } from './runs.ts';
import type { Scope } from './scope.ts';

/** The tables of the project with the states that they are in. */
export function graphShape(project: Project, graph: Graph, ledger: Ledger, scope: Scope, redact: Redact): GraphShape {
  const status = showStatus(ledger);
  const { run, release } = status;
  return {
    project: project.name,
    release: release === undefined ? null : { release_id: release.release_id, created_at: release.created_at },
    run: run === undefined ? null : { run_id: run.run_id, status: run.status, started_at: run.started_at },
    tables: tablesNow(graph, ledger, status)
      .filter(({ key }) => scope.may(key))
      .map((table) => graphTable(table, scope, redact)),
  };
}

/** Every table as the run that goes on, or the last ones, left it. */
export function tablesNow(graph: Graph, ledger: Ledger, status: StatusReport): readonly LiveTable[] {
  const newest = ledger.pages.runs({ limit: 1, status: 'running' }).map((run) => judgedRun(ledger, run));
  const run = newest.find(({ status }) => status === 'running');
  const active = run === undefined ? undefined : { run, steps: judgedSteps(run, ledger.steps(run.run_id)) };
  return liveTables(graph, status.tables, ledger, active);
}

export function graphTable(table: LiveTable, scope: Scope, redact: Redact): GraphTable {
  return {
    table: table.key,
    layer: table.layer,
    state: table.state,
    version: table.version,
    rows_out: table.rows_out,
    quarantined: table.quarantined,
    finished_at: table.finished_at,
    reason: redact(table.reason),
    error: table.error === null ? null : redact(table.error),
    parents: table.parents.filter((parent) => scope.may(parent)),
  };
}
