import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { BackwardTrace, ForwardTrace } from '../../core/model/trace.ts';
import { buildGraph, type Node } from '../../core/planning/graph.ts';
import { nameHint } from '../../kit/name-list.ts';
import { findRelease } from '../releases/find-release.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { tableNamed } from './named-table.ts';
import { traceBack } from './trace-back.ts';
import { newTrace, type TraceContext } from './trace-context.ts';
import { findFile } from './trace-file.ts';
import { traceForward } from './trace-forward.ts';

export interface TraceQuestion {
  /** A table (`gold.kpi_ca_par_mois`), a file (`data/achats.csv`), a line of it (`data/achats.csv:120`) or a SHA-256. */
  readonly target: string;
  /** For a table: which of its rows. */
  readonly where?: string;
  /** For a table: an older version of it, or the one that a release holds. */
  readonly at?: { readonly version: number } | { readonly release: string };
  /** Rows that are shown per table. */
  readonly limit: number;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/** Leads from rows of a table back to their sources, or from a file forward to everything that it reached. Changes nothing. */
export async function traceRows(
  rooms: Rooms,
  project: Project,
  question: TraceQuestion,
): Promise<BackwardTrace | ForwardTrace> {
  const checks = await rooms.checks();
  const graph = buildGraph(project, checks);
  const lake = await rooms.openLake(project);
  const ledger = await ledgerForReading(rooms, project, lake);
  const engine = await rooms.openEngine(project);
  try {
    const session = await engine.openSession({ label: 'trace', signal: question.signal });
    try {
      const context = newTrace({ project, lake, ledger, checks, graph }, session, question.limit);
      const table = parseTableKey(question.target);
      const node = graph.byKey.get(tableMeant(context, question.target) ?? '');
      if (node !== undefined)
        return await traceBack(context, node, question.where, versionOf(context, node, question.at));
      if (table !== undefined && question.target.split('.').length === 2 && table.layer !== 'quarantine') {
        throw new DataflowError('E_LAKE_NO_TABLE', `the project has no table ${question.target}`, {
          hint: nameHint(
            question.target,
            graph.nodes.map((one) => one.key),
          ),
        });
      }
      if (question.where !== undefined || question.at !== undefined) {
        const flag = question.where === undefined ? '--as-of and --release go' : '--where goes';
        throw new DataflowError('E_USAGE', `${flag} with a table`, {
          hint: 'Name a line of a file as file:line.',
        });
      }
      return await traceForward(context, findFile(context, question.cwd, question.target));
    } finally {
      await session.close();
    }
  } finally {
    await engine.close();
    ledger.close();
  }
}

/** A word that is also the path of a loaded file means the file. @throws DataflowError E_SELECTION */
function tableMeant({ graph, ledger }: TraceContext, target: string): string | undefined {
  const keys = graph.nodes.map(({ key }) => key);
  if (keys.includes(target)) return target;
  return ledger.inputs().some(({ path }) => path === target) ? undefined : tableNamed(keys, target);
}

/** @throws DataflowError E_NO_RELEASE */
function versionOf({ ledger }: TraceContext, node: Node, at: TraceQuestion['at']): number | undefined {
  if (at === undefined || 'version' in at) return at?.version;
  const release = findRelease(ledger, at.release);
  const version = release.tables[node.key];
  if (version !== undefined) return version;
  throw new DataflowError('E_NO_RELEASE', `release ${release.release_id} has no ${node.key}`);
}
