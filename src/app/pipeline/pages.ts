import { hostname } from 'node:os';
import { join } from 'node:path';
import type {
  ActionShape,
  DestinationList,
  GraphShape,
  QuarantineOverview,
  ReceiptList,
  RunDetail,
  RunList,
  SourceList,
} from '../../core/contract/pipeline.ts';
import type {
  DiffShape,
  LineageShape,
  SampleShape,
  TableQuarantine,
  TableShape,
  VersionList,
} from '../../core/contract/pipeline-table.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { TableLineage } from '../../core/lineage/project-lineage.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { CommandLine } from '../../core/ports/server.ts';
import { projectLineage } from '../explain/show-lineage.ts';
import { showStatus } from '../explain/show-status.ts';
import type { Answers } from '../serve/answers.ts';
import type { Serving } from '../serve/serving.ts';
import type { Turn } from '../serve/turns.ts';
import { diffShape } from './diff.ts';
import { destinationList, receiptList, sourceList } from './ends.ts';
import { graphShape } from './graph.ts';
import { lineageShape } from './lineage.ts';
import { Operating } from './operating.ts';
import { quarantineOverview, rejectedRows, rejectsOf, replayWords, tableQuarantine } from './quarantine.ts';
import { isAliveHere, type RunsAsked, runDetail, runList, runNamed } from './runs.ts';
import { sampleOf } from './sample.ts';
import { nodeFor, type Scope, wordsFor } from './scope.ts';
import { tableShape, versionList } from './table-page.ts';

/** Who acts, by the name of his token. */
export type Operator = Scope & { readonly name: string };

/** Answers about the pipeline itself: from the ledger at this moment, and rows from the release that is served. */
export class PipelinePages {
  readonly #answers: Answers;
  readonly #serving: Serving;
  readonly #graph: Graph;
  readonly #operating: Operating;
  /** Of the newest release: it takes an engine to find. */
  #lineage: { readonly release_id: string | undefined; readonly tables: Promise<readonly TableLineage[]> } | undefined;

  static async open(answers: Answers, commandOf: (words: readonly string[]) => CommandLine): Promise<PipelinePages> {
    const { rooms, project } = answers.serving;
    return new PipelinePages(answers, buildGraph(project, await rooms.checks()), commandOf);
  }

  private constructor(answers: Answers, graph: Graph, commandOf: (words: readonly string[]) => CommandLine) {
    const { serving } = answers;
    this.#answers = answers;
    this.#serving = serving;
    this.#graph = graph;
    const file = join(serving.rooms.stateFolder(serving.project), 'actions.ndjson');
    this.#operating = new Operating({ commandOf, file, redact: (text) => serving.rooms.redact(text) });
  }

  runs(asked: RunsAsked, scope: Scope): Promise<RunList> {
    return this.#serving.ask((ledger) => runList(ledger, asked, scope, this.#words(scope)));
  }

  run(run_id: string, scope: Scope): Promise<RunDetail> {
    return this.#serving.ask((ledger) => runDetail(ledger, run_id, hostname(), scope, this.#words(scope)));
  }

  graph(scope: Scope): Promise<GraphShape> {
    return this.#serving.ask((ledger) =>
      graphShape(this.#serving.project, this.#graph, ledger, scope, this.#words(scope)),
    );
  }

  sources(scope: Scope): Promise<SourceList> {
    return this.#serving.ask((ledger) => sourceList(this.#serving.project, ledger, scope));
  }

  destinations(scope: Scope): Promise<DestinationList> {
    return this.#serving.ask((ledger) =>
      destinationList(this.#serving.project, ledger, scope, this.#words(scope), Date.now()),
    );
  }

  receipts(limit: number, scope: Scope): Promise<ReceiptList> {
    return this.#serving.ask((ledger) => receiptList(ledger, limit, scope));
  }

  quarantine(scope: Scope): Promise<QuarantineOverview> {
    return this.#serving.ask((ledger) => quarantineOverview(ledger, scope));
  }

  async table(key: string, scope: Scope): Promise<TableShape> {
    const node = nodeFor(this.#graph, scope, key);
    const snapshot = await this.#serving.lake.snapshot({ layer: node.layer, name: node.name });
    const found = await this.#serving.ask((ledger) =>
      tableShape(ledger, {
        ...{ graph: this.#graph, node, snapshot, status: showStatus(ledger), scope, redact: this.#words(scope) },
        rows_served: this.#gives(scope, key),
        rejects_served: this.#gives(scope, rejectsOf(key)),
      }),
    );
    if (found === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'the project has no such table');
    return found;
  }

  versions(key: string, limit: number, scope: Scope): Promise<VersionList> {
    nodeFor(this.#graph, scope, key);
    return this.#serving.ask((ledger) => versionList(ledger, key, limit, this.#words(scope)));
  }

  /** @throws DataflowError E_SERVE_SCOPE where rows are not given out */
  async sample(key: string, limit: number, scope: Scope, client: AbortSignal): Promise<SampleShape> {
    nodeFor(this.#graph, scope, key);
    if (!this.#gives(scope, key))
      throw new DataflowError('E_SERVE_SCOPE', 'rows of this table are not given out: serve.tables does not list it');
    return this.#working(client, async (turn) => {
      const use = await this.#serving.use();
      try {
        return await sampleOf(use, turn, key, limit);
      } finally {
        use.done();
      }
    });
  }

  async rejected(key: string, limit: number, scope: Scope, client: AbortSignal): Promise<TableQuarantine> {
    nodeFor(this.#graph, scope, key);
    const told = await this.#serving.ask((ledger) => tableQuarantine(ledger, key, limit, this.#words(scope)));
    if (!this.#gives(scope, rejectsOf(key))) return { ...told, rejected: null };
    if (told.rows === 0 || this.#serving.current === undefined) return { ...told, rejected: [] };
    return this.#working(client, async (turn) => {
      const use = await this.#serving.use();
      try {
        return { ...told, rejected: await rejectedRows(use, turn, key, limit) };
      } finally {
        use.done();
      }
    });
  }

  diff(key: string, from: string, to: string, scope: Scope, client: AbortSignal): Promise<DiffShape> {
    nodeFor(this.#graph, scope, key);
    const rows_served = this.#gives(scope, key);
    const asked = { project: boundedProject(this.#serving), table: key, from, to, rows_served };
    return this.#working(client, ({ signal }) => diffShape(this.#serving, this.#graph, { ...asked, signal }));
  }

  async lineage(key: string, scope: Scope, client: AbortSignal): Promise<LineageShape> {
    nodeFor(this.#graph, scope, key);
    const release_id = this.#serving.current?.release_id;
    if (this.#lineage === undefined || this.#lineage.release_id !== release_id) {
      const tables = this.#working(client, () => projectLineage(this.#serving.rooms, boundedProject(this.#serving)));
      this.#lineage = { release_id, tables };
      // The next one who asks tries again.
      tables.catch(() => {
        this.#lineage = undefined;
      });
    }
    return lineageShape(await this.#lineage.tables, key, scope);
  }

  actions(scope: Scope): readonly ActionShape[] {
    return this.#operating.list((about) => scope.all || (about !== '*' && scope.may(about)));
  }

  /** @throws DataflowError E_SERVE_UNKNOWN, E_SERVE_STATE */
  async retry(run_id: string, operator: Operator): Promise<ActionShape> {
    const run = await this.#serving.ask((ledger) => runNamed(ledger, run_id));
    if (run.status === 'running') throw new DataflowError('E_SERVE_STATE', `run ${run.run_id} is still at work`);
    if (run.status === 'succeeded')
      throw new DataflowError('E_SERVE_STATE', `there is nothing to retry: run ${run.run_id} succeeded`);
    return this.#operating.start({ kind: 'retry', by: operator.name, about: '*' }, ['retry', run.run_id]);
  }

  /** @throws DataflowError E_SERVE_UNKNOWN, E_SERVE_STATE */
  async cancel(run_id: string, operator: Operator): Promise<ActionShape> {
    const { run, alive } = await this.#serving.ask((ledger) => {
      const found = runNamed(ledger, run_id);
      return { run: found, alive: isAliveHere(ledger, found, hostname()) };
    });
    if (run.status !== 'running') throw new DataflowError('E_SERVE_STATE', `run ${run.run_id} is not at work`);
    if (!alive)
      throw new DataflowError('E_SERVE_STATE', `run ${run.run_id} is not at work on the machine of the server`);
    return this.#operating.interrupt({ kind: 'cancel', by: operator.name, about: '*' }, run.pid);
  }

  /** @throws DataflowError E_SERVE_UNKNOWN, E_SERVE_STATE */
  async replay(key: string, rule: string | undefined, operator: Operator): Promise<ActionShape> {
    nodeFor(this.#graph, operator, key);
    const { data } = await this.quarantine(operator);
    const met = data.filter((one) => one.table === key && (rule === undefined || one.rule === rule));
    if (met.length === 0) throw new DataflowError('E_SERVE_STATE', 'no such row lies in quarantine');
    const words = replayWords(key, rule === undefined ? {} : { rule });
    return this.#operating.start({ kind: 'replay', by: operator.name, about: key }, words);
  }

  #words(scope: Scope): (text: string) => string {
    return wordsFor(scope, (text) => this.#serving.rooms.redact(text));
  }

  /** Rows are given out of tables that `serve.tables` lists, to those who may read them. */
  #gives(scope: Scope, key: string): boolean {
    return this.#serving.lists(key) && scope.may(key);
  }

  async #working<T>(client: AbortSignal, work: (turn: Turn) => Promise<T>): Promise<T> {
    const turn = await this.#answers.turns.take(client);
    try {
      return await work(turn);
    } catch (error) {
      throw turn.blamed(error);
    } finally {
      turn.end();
    }
  }
}

/** With an engine that has no more memory than the server's own. */
function boundedProject({ project, spec }: Serving): Project {
  const memory_limit = `${Math.floor(spec.limits.memory_bytes / 1e6)}MB`;
  return { ...project, engine: { ...project.engine, memory_limit } };
}
