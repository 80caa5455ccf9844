import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { SourceLook } from '../../core/model/pulled.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Outlook } from '../../core/ports/pulled-source.ts';
import type { BronzeNode } from '../../medallion/bronze/step.ts';
import type { Rooms } from '../rooms.ts';
import { lookAtSource } from '../run/look-at-source.ts';
import { openLedgerFor } from '../run/open-project.ts';
import type { RunEvent, RunReport } from '../run/run-events.ts';
import { runPipeline } from '../run/run-pipeline.ts';
import { ChangedStreams, streamsBehind } from './publish-changed.ts';
import type { PublishReport } from './publish-stream.ts';
import { takenWith } from './taken-with.ts';

export interface StreamOptions {
  /** Sources to take; none: all that are asked. */
  readonly sources: readonly string[];
  /** The command line as typed, for the ledger. */
  readonly command: string;
  /** Pause after a round in which nothing was new. */
  readonly every_ms: number;
  /** Ends by itself after this time. */
  readonly for_ms?: number;
  /** Asks for the end: the batch at work is finished first. */
  readonly signal: AbortSignal;
  readonly tell: (event: RunEvent) => void;
  /** Told after each round that took something. */
  readonly took: (report: RunReport) => void;
  /** Publish the streams whose tables the sources feed, whenever these have a new version. */
  readonly publish: boolean;
  /** Told after each publish that sent something. */
  readonly published: (report: PublishReport) => void;
}

export interface StreamReport {
  readonly rounds: number;
  readonly runs: number;
  readonly rows: number;
  /** Messages that went out to topics. */
  readonly messages: number;
  readonly failures: number;
  readonly wall_ms: number;
  readonly exit_code: number;
}

/** Pauses after failures in a row: twice as long each time, with some chance, so that many services do not ask at once. */
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 60_000;

/**
 * The service loop: looks at the sources, takes one batch of each that has something, runs what depends on it, publishes the streams of tables that
 * changed, and again. What may be tried again is
 * tried again, later and later; anything else ends the service with its exit status.
 */
export async function runStream(rooms: Rooms, project: Project, options: StreamOptions): Promise<StreamReport> {
  const nodes = await pulledNodes(rooms, project, options.sources);
  const started_ms = Date.now();
  const sum = { rounds: 0, runs: 0, rows: 0, messages: 0, failures: 0 };
  const streams = await changedStreams(rooms, project, nodes, options, (messages) => {
    sum.messages += messages;
  });
  const end = (exit_code: number): StreamReport => ({ ...sum, wall_ms: Date.now() - started_ms, exit_code });
  let failed_in_a_row = 0;
  while (!options.signal.aborted) {
    const { code: taken, rows, ran } = await round(rooms, project, nodes, options);
    const code = FATAL.has(taken) ? taken : ((await streams.publish())?.exit_code ?? taken);
    sum.rounds += 1;
    sum.rows += rows;
    if (ran) sum.runs += 1;
    if (FATAL.has(code)) return end(code);
    failed_in_a_row = RETRYABLE.has(code) ? failed_in_a_row + 1 : 0;
    if (failed_in_a_row > 0) sum.failures += 1;
    const pause_ms = failed_in_a_row > 0 ? backOff(failed_in_a_row) : options.every_ms;
    if (failed_in_a_row > 0 || rows === 0) await pause(pause_ms, options);
    if (options.for_ms !== undefined && Date.now() - started_ms >= options.for_ms) break;
  }
  return end(0);
}

async function changedStreams(
  rooms: Rooms,
  project: Project,
  nodes: readonly BronzeNode[],
  options: StreamOptions,
  sent: (messages: number) => void,
): Promise<ChangedStreams> {
  const { command, signal, tell } = options;
  const tables = options.publish ? nodes.map((node) => node.key) : [];
  return new ChangedStreams(rooms, project, await streamsBehind(rooms, project, tables), {
    command,
    signal,
    warn: (message) => tell({ type: 'warning', message }),
    note: (message) => tell({ type: 'notice', message }),
    published: (report) => {
      sent(report.messages);
      options.published(report);
    },
  });
}

interface Round {
  /** As the exit status of a run. */
  readonly code: number;
  readonly rows: number;
  readonly ran: boolean;
}

/** Looks at all sources, takes a batch where something waits, and writes down what was seen. */
async function round(
  rooms: Rooms,
  project: Project,
  nodes: readonly BronzeNode[],
  options: StreamOptions,
): Promise<Round> {
  const began_ms = Date.now();
  const outlooks = await lookAll(rooms, project, nodes, options);
  const busy = [...outlooks.values()].some((outlook) => outlook.pending !== 'none');
  const { report, error }: Taken = busy ? await takeOnce(rooms, project, nodes, options) : {};
  const rows = rowsTaken(report);
  await record(rooms, project, outlooks, { rows, wall_ms: Date.now() - began_ms, error: error?.message });
  const ran = report?.run_id !== undefined;
  if (ran) options.took(report);
  const total = nodes.reduce((sum, { name }) => sum + (rows.get(name) ?? 0), 0);
  return { code: error?.exit_code ?? report?.exit_code ?? 0, rows: total, ran };
}

/** Exit codes of rounds that are tried again, and of those that end the service; 4 (partly done) does neither. */
const RETRYABLE: ReadonlySet<number> = new Set([5, 6]);
const FATAL: ReadonlySet<number> = new Set([1, 2, 3]);

/** The sources of a stream. @throws DataflowError E_SELECTION for a name that is no source that is asked. */
export async function pulledNodes(
  rooms: Rooms,
  project: Project,
  names: readonly string[],
): Promise<readonly BronzeNode[]> {
  const graph = buildGraph(project, await rooms.checks());
  const pulled = graph.nodes.flatMap((node) => (node.layer === 'bronze' && node.spec.pulled === true ? [node] : []));
  const known = pulled.map((node) => node.name).join(', ');
  if (pulled.length === 0)
    throw new DataflowError('E_SELECTION', 'no source of this project is asked: all are files', {
      hint: 'Files are taken by `dataflow run`.',
    });
  for (const name of names)
    if (!pulled.some((node) => node.name === name))
      throw new DataflowError('E_SELECTION', `${name} is no source that is asked`, { hint: `Those are ${known}.` });
  return names.length === 0 ? pulled : pulled.filter((node) => names.includes(node.name));
}

/** What waits at each source; a source that cannot be asked now is `unknown`. */
async function lookAll(
  rooms: Rooms,
  project: Project,
  nodes: readonly BronzeNode[],
  options: StreamOptions,
): Promise<ReadonlyMap<string, Outlook>> {
  const lake = await rooms.openLake(project);
  const ledger = await openLedgerFor(rooms, project, lake);
  try {
    const signal = new AbortController().signal;
    const run = {
      ...{ project, lake, ledger, redo: false, now_ms: Date.now(), signal, temp_folder: '' },
      redact: rooms.redact,
      notice: (message: string) => options.tell({ type: 'notice', message }),
    };
    const found = await Promise.all(
      nodes.map(async (node) => [node.name, await lookAtSource(rooms, run, node)] as const),
    );
    return new Map(found);
  } finally {
    ledger.close();
  }
}

interface Taken {
  readonly report?: RunReport;
  readonly error?: DataflowError;
}

/** One batch of each source and all that depends on it: the wish to stop waits for the end of the batch. */
async function takeOnce(
  rooms: Rooms,
  project: Project,
  nodes: readonly BronzeNode[],
  options: StreamOptions,
): Promise<Taken> {
  try {
    const report = await runPipeline(rooms, project, {
      selection: { select: await takenWith(rooms, project, new Set(nodes.map((node) => node.key))), exclude: [] },
      ...{ full_refresh: false, rehash: false, batches_max: 1 },
      command: options.command,
      signal: new AbortController().signal,
      tell: options.tell,
    });
    return { report };
  } catch (error) {
    if (!(error instanceof DataflowError) || !error.retryable) throw error;
    options.tell({ type: 'warning', message: `${error.code}: ${error.message}` });
    return { error };
  }
}

function rowsTaken(report: RunReport | undefined): ReadonlyMap<string, number> {
  const steps = report?.steps.filter((step) => step.step.startsWith('bronze.') && step.status === 'succeeded') ?? [];
  return new Map(steps.map((step) => [step.step.slice('bronze.'.length), step.balance?.rows_in ?? 0]));
}

async function record(
  rooms: Rooms,
  project: Project,
  outlooks: ReadonlyMap<string, Outlook>,
  round: { readonly rows: ReadonlyMap<string, number>; readonly wall_ms: number; readonly error: string | undefined },
): Promise<void> {
  const ledger = await rooms.openLedger(project, { create: false });
  try {
    const looks = [...outlooks].map(
      ([source, outlook]): SourceLook => ({
        source,
        looked_at_ms: Date.now(),
        pending: outlook.pending,
        ...(outlook.records === undefined ? {} : { behind: outlook.records }),
        ...(outlook.oldest_ms === undefined ? {} : { oldest_ms: outlook.oldest_ms }),
        rows_taken: round.rows.get(source) ?? 0,
        wall_ms: round.wall_ms,
        ...(round.error === undefined ? {} : { error: rooms.redact(round.error) }),
      }),
    );
    ledger.sources.recordLooks(looks);
  } finally {
    ledger.close();
  }
}

function backOff(failures: number): number {
  const longest = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(10, failures - 1));
  return longest / 2 + (Math.random() * longest) / 2;
}

async function pause(ms: number, { signal }: StreamOptions): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
