import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { StreamPosition, StreamSpec } from '../../core/model/stream.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Engine } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { OutMessage, Publisher } from '../../core/ports/publisher.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { newest, otherOrder, type PublishPlan, planOf, restarted, snapshotAt } from './publish-plan.ts';
import { type Op, versionChanges } from './version-changes.ts';

export interface PublishOptions {
  readonly name: string;
  /** Publish all rows again, whatever was published before. */
  readonly full: boolean;
  readonly dry_run: boolean;
  readonly signal: AbortSignal;
  /** Told after each transaction. */
  readonly onProgress?: (messages: number, total: number) => void;
}

export interface PublishReport {
  readonly stream: string;
  readonly table: string;
  readonly topic: string;
  /** -1: nothing was published before. */
  readonly version_from: number;
  readonly version_to: number;
  /** Messages that an earlier attempt had published already. */
  readonly resumed_after: number;
  readonly inserts: number;
  readonly updates: number;
  readonly deletions: number;
  /** Messages that went out now; with `dry_run`, that would. */
  readonly messages: number;
  readonly transactions: number;
  readonly wall_ms: number;
  readonly dry_run: boolean;
}

/** What publishing works on. */
export interface PublishRooms {
  readonly project: Project;
  readonly graph: Graph;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly publisher: Publisher;
  readonly openEngine: () => Promise<Engine>;
}

/**
 * Publishes what changed in a table since the version that was published last: each key once a version, in transactions that carry the stream's new
 * position, so that whatever stops this can be followed by another attempt. The version is that of the newest release.
 * @throws DataflowError E_NO_RELEASE, E_STREAM_POSITION, E_LAKE_NO_VERSION
 */
export async function publishStream(rooms: PublishRooms, options: PublishOptions): Promise<PublishReport> {
  const began = performance.now();
  const { project, publisher, ledger } = rooms;
  const spec = streamOf(project, options.name);
  const after = await releasedSnapshot(rooms, spec);
  const found = options.dry_run ? await publisher.position() : await publisher.begin();
  const position = options.full ? restarted(found) : newest(found, ledger.streams.position(options.name), spec);
  const plan = await planOf(rooms, spec, position, after);
  const base = {
    stream: options.name,
    table: spec.from,
    topic: spec.topic,
    version_from: position?.version ?? -1,
    version_to: after.version,
    resumed_after: plan.done,
    dry_run: options.dry_run,
  };
  const nothing = { inserts: 0, updates: 0, deletions: 0, messages: 0, transactions: 0 };
  if (plan.target.version === position?.version) return { ...base, ...nothing, wall_ms: since(began) };
  const engine = await rooms.openEngine();
  try {
    const session = await engine.openSession({ label: `stream/${options.name}`, signal: options.signal });
    const { sql, counts, digest } = await versionChanges(session, plan.before, plan.target, {
      key: spec.key ?? keyOf(rooms.graph, spec.from),
      deletions: spec.deletions === 'tombstone',
    });
    if (plan.done > 0 && position?.order !== undefined && position.order !== digest)
      throw otherOrder(spec, plan.target.version);
    const total = counts.insert + counts.update + counts.delete;
    const counted = { inserts: counts.insert, updates: counts.update, deletions: counts.delete };
    const left = Math.max(0, total - plan.done);
    if (options.dry_run)
      return {
        ...base,
        ...counted,
        messages: left,
        transactions: Math.ceil(left / spec.batch_rows),
        wall_ms: since(began),
      };
    const sender = new Sender(rooms, options, { spec, plan, order: digest }, position);
    for await (const { rows } of session.stream(`${sql} limit all offset ${plan.done}`))
      for (const row of rows)
        await sender.add(row['op'] as Op, row['key'] as string | null, row['value'] as string | null, total);
    await sender.finish(total);
    await session.close();
    const { messages, transactions } = sender;
    const version_to = plan.target.version;
    const report = { ...base, ...counted, version_to, messages, transactions, wall_ms: since(began) };
    return version_to === after.version
      ? report
      : joined(report, await publishStream(rooms, { ...options, full: false }));
  } finally {
    await engine.close();
  }
}

/** A step that was left half done goes to its own target first; what came since follows. */
function joined(first: PublishReport, then: PublishReport): PublishReport {
  return {
    ...then,
    version_from: first.version_from,
    resumed_after: first.resumed_after,
    inserts: first.inserts + then.inserts,
    updates: first.updates + then.updates,
    deletions: first.deletions + then.deletions,
    messages: first.messages + then.messages,
    transactions: first.transactions + then.transactions,
    wall_ms: first.wall_ms + then.wall_ms,
  };
}

function since(began: number): number {
  return Math.round(performance.now() - began);
}

/** @throws DataflowError E_SELECTION */
export function streamOf(project: Project, name: string): StreamSpec {
  const spec = project.streams?.[name];
  if (spec !== undefined) return spec;
  const known = Object.keys(project.streams ?? {});
  throw new DataflowError('E_SELECTION', `there is no stream ${name}`, {
    hint: known.length === 0 ? 'The project has no `streams:`.' : `There are ${known.join(', ')}.`,
  });
}

function keyOf(graph: Graph, table: string): readonly string[] {
  const node = graph.byKey.get(table);
  return node === undefined || node.layer === 'bronze' ? [] : node.spec.key;
}

async function releasedSnapshot({ lake, ledger }: PublishRooms, { from }: StreamSpec): Promise<Snapshot> {
  const version = ledger.latestRelease()?.tables[from];
  const snapshot = version === undefined ? undefined : await snapshotAt(lake, from, version);
  if (snapshot !== undefined) return snapshot;
  throw new DataflowError('E_NO_RELEASE', `there is no release with ${from} yet`, {
    hint: 'A run that succeeds records one: dataflow run',
  });
}

/** Gathers messages into transactions. */
class Sender {
  messages = 0;
  transactions = 0;
  readonly #rooms: PublishRooms;
  readonly #options: PublishOptions;
  readonly #spec: StreamSpec;
  readonly #plan: PublishPlan;
  #position: StreamPosition;
  #batch: OutMessage[] = [];

  constructor(
    rooms: PublishRooms,
    options: PublishOptions,
    { spec, plan, order }: { readonly spec: StreamSpec; readonly plan: PublishPlan; readonly order: string },
    position: StreamPosition | undefined,
  ) {
    this.#rooms = rooms;
    this.#options = options;
    this.#spec = spec;
    this.#plan = plan;
    this.#position = {
      stream: options.name,
      topic: spec.topic,
      table: spec.from,
      sequence: position?.sequence ?? 0,
      version: position?.version ?? -1,
      version_committed_at_ms: position?.version_committed_at_ms ?? 0,
      target: plan.target.version,
      target_committed_at_ms: plan.target.committed_at_ms,
      order,
      done: plan.done,
      messages: position?.messages ?? 0,
      run_id: timeSortedId(),
      published_at: '',
    };
  }

  async add(op: Op, key: string | null, value: string | null, total: number): Promise<void> {
    const { from } = this.#spec;
    const version = String(this.#plan.target.version);
    const headers = {
      'dataflow-table': from,
      'dataflow-version': version,
      'dataflow-op': op,
      'dataflow-run': this.#position.run_id,
    };
    this.#batch.push({ key, value, headers });
    // The last one is sent with the position that says that the version is out.
    if (this.#batch.length >= this.#spec.batch_rows && this.#position.done + this.#batch.length < total)
      await this.#send(total, false);
  }

  async finish(total: number): Promise<void> {
    await this.#send(total, true);
  }

  async #send(total: number, last: boolean): Promise<void> {
    const { version, committed_at_ms } = this.#plan.target;
    const count = this.#batch.length;
    const next: StreamPosition = {
      ...this.#position,
      sequence: this.#position.sequence + 1,
      messages: this.#position.messages + count,
      done: this.#position.done + count,
      published_at: new Date().toISOString(),
      ...(last ? { version, version_committed_at_ms: committed_at_ms, done: 0 } : {}),
    };
    faultPoint('stream-before-publish');
    await this.#rooms.publisher.publish(this.#batch, next);
    faultPoint('stream-after-publish');
    this.#position = next;
    this.#rooms.ledger.streams.record(next);
    this.#batch = [];
    this.messages += count;
    this.transactions += 1;
    this.#options.onProgress?.(this.messages, total);
  }
}
