import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import { askedAgain, begun } from './asked-again.ts';
import { cursorText } from './cursor.ts';
import { formatOf, ROW_FORMATS } from './formats.ts';
import type { InUse, ServedTable } from './in-use.ts';
import { type Frame, lineFrame, type Piece, pieces } from './pieces.ts';
import type { ReadPlan } from './read-sql.ts';
import type { RequestWords } from './request-words.ts';
import type { Serving } from './serving.ts';
import { keyRequest, standpointOf, tableRequest } from './table-request.ts';
import { type Turn, Turns } from './turns.ts';

/** What goes out, piece by piece, from one release. `end` is called in any case, once it was sent or given up. */
export interface Answer {
  readonly release: ReleaseRecord;
  readonly type: string;
  readonly pieces: AsyncIterable<Piece>;
  end(): void;
}

/** A request, as far as answers depend on it. */
export interface Asked {
  readonly words: RequestWords;
  readonly accept?: string | undefined;
  /** Aborted when the client goes. */
  readonly client: AbortSignal;
}

/** What makes an answer of a release. */
type Work = (
  use: InUse,
  turn: Turn,
) => Promise<{ readonly type: string; readonly pieces: AsyncIterable<Piece> | readonly string[] }>;

/** Answers questions about tables of a release. */
export class Answers {
  readonly serving: Serving;
  readonly turns: Turns;

  constructor(serving: Serving) {
    this.serving = serving;
    this.turns = new Turns(serving.spec.limits);
  }

  /** `GET /api/v1/tables/{layer}/{table}` @throws DataflowError E_SERVE_* */
  async table(key: string, { words, accept, client }: Asked): Promise<Answer> {
    const at = standpointOf(words);
    const format = formatOf(words.take('format'), accept);
    const formula_safe = words.takeFlag('formula_safe');
    return this.answerTables(at.as_of, { words, client }, async (use, turn) => {
      const table = await this.#listed(use, key);
      const { columns, key_columns } = table;
      const { rows_max } = this.serving.spec.limits;
      const { plan, with_count, question } = tableRequest(words, { key, columns, key_columns }, at, rows_max);
      if (format === 'arrow') return { type: ROW_FORMATS.arrow, pieces: use.rows.arrow(plan, turn.signal) };
      const total = await this.total(use, turn, plan, table.rows, with_count);
      const head = { release: use.release.record.release_id, table: key, version: table.version, total };
      const next = (more: boolean): string | null =>
        more ? cursorText({ release_id: head.release, offset: plan.offset + plan.limit }, question) : null;
      const frame =
        format === 'json' ? tableFrame({ ...head, ...pageOf(plan) }, next) : lineFrame(format, plan, formula_safe);
      return {
        type: ROW_FORMATS[format],
        pieces: pieces(use.rows, { plan, format, formula_safe, frame, signal: turn.signal }),
      };
    });
  }

  /** `GET /api/v1/tables/{layer}/{table}/{key}` */
  async row(key: string, text: string, { words, client }: Asked): Promise<Answer> {
    const { as_of } = standpointOf(words);
    words.end(['as_of']);
    return this.answerTables(as_of, { words, client }, async (use, turn) => {
      const { columns, key_columns } = await this.#listed(use, key);
      if (key_columns.length === 0)
        throw new DataflowError('E_SERVE_UNKNOWN', `${key} has no key by which one row could be asked for`);
      const plan = keyRequest(text, { key, columns, key_columns });
      return { type: ROW_FORMATS.json, pieces: [await this.one(use, turn, plan, `row of ${key}`)] };
    });
  }

  /** `GET /api/v1/tables/{layer}/{table}/schema` */
  async schema(key: string, { words, client }: Asked): Promise<Answer> {
    const { as_of } = standpointOf(words);
    words.end(['as_of']);
    return this.answerTables(as_of, { words, client }, async (use) => {
      const table = await this.#listed(use, key);
      const document = {
        release: use.release.record.release_id,
        table: key,
        version: table.version,
        rows: table.rows,
        key: table.key_columns,
        partition_by: table.partition_by,
        columns: table.columns.map(columnDocument),
      };
      return { type: ROW_FORMATS.json, pieces: [JSON.stringify(document)] };
    });
  }

  /** `GET /api/v1/tables/{layer}/{table}/history`: the versions up to that of the release, newest first. */
  async history(key: string, { words, client }: Asked): Promise<Answer> {
    const { as_of } = standpointOf(words);
    const limit = words.takeWhole('limit', { min: 1, max: 1000, fallback: 100 });
    words.end(['as_of', 'limit']);
    return this.answerTables(as_of, { words, client }, async (use) => {
      const { id, version } = await this.#listed(use, key);
      const entries = (await this.serving.lake.history(id)).filter((one) => one.version <= version);
      const data = entries.slice(-limit).reverse();
      const document = {
        release: use.release.record.release_id,
        table: key,
        total: entries.length,
        data: data.map(({ version: number, committed_at_ms, operation, note, files_added, files_removed }) => ({
          version: number,
          committed_at: new Date(committed_at_ms).toISOString(),
          operation,
          run_id: note?.run_id ?? null,
          files_added,
          files_removed,
        })),
      };
      return { type: ROW_FORMATS.json, pieces: [JSON.stringify(document)] };
    });
  }

  /** A release and the engine's time for one answer; both are given back when it ends, whichever way. */
  answer(as_of: string | undefined, client: AbortSignal, work: Work): Promise<Answer> {
    return this.#answered(client, work, () => this.serving.use(as_of));
  }

  /** The same for what asks tables alone, which may lie elsewhere. */
  async answerTables(
    as_of: string | undefined,
    { words, client }: Pick<Asked, 'words' | 'client'>,
    work: Work,
  ): Promise<Answer> {
    const open = ({ signal }: Turn): Promise<InUse> => this.serving.useTables(as_of, signal);
    if (this.serving.place === undefined) return this.#answered(client, work, open);
    const rewind = words.rewinder();
    return askedAgain(() => {
      rewind();
      return this.#answered(client, async (use, turn) => begun(await work(use, turn)), open);
    });
  }

  async #answered(client: AbortSignal, work: Work, open: (turn: Turn) => Promise<InUse>): Promise<Answer> {
    const turn = await this.turns.take(client);
    let use: InUse | undefined;
    const end = (): void => {
      use?.done();
      turn.end();
    };
    try {
      use = await open(turn);
      const { type, pieces: made } = await work(use, turn);
      return { release: use.release.record, type, pieces: guarded(made, turn), end };
    } catch (error) {
      end();
      throw turn.blamed(error);
    }
  }

  /** How many rows there are: known of a whole table, counted where it is asked for. */
  async total(use: InUse, turn: Turn, plan: ReadPlan, rows: number, with_count: boolean): Promise<number | null> {
    if (plan.where.length === 0) return rows;
    return with_count ? await this.count(use, turn, plan) : null;
  }

  async count(use: InUse, turn: Turn, plan: ReadPlan): Promise<number> {
    return use.rows.count(plan, turn.signal);
  }

  /** @throws DataflowError E_SERVE_UNKNOWN when there is no such row. */
  async one(use: InUse, turn: Turn, plan: ReadPlan, what: string): Promise<string> {
    const row = await use.rows.line(plan, turn.signal);
    if (row === undefined) throw new DataflowError('E_SERVE_UNKNOWN', `there is no such ${what}`);
    return row;
  }

  #listed(use: InUse, key: string): Promise<ServedTable> {
    if (!this.serving.lists(key) || !use.release.has(key))
      throw new DataflowError('E_SERVE_UNKNOWN', 'there is no such table');
    return use.table(key);
  }
}

/** The engine's errors in words for who asked. */
async function* guarded(made: AsyncIterable<Piece> | readonly string[], turn: Turn): AsyncGenerator<Piece, void, void> {
  try {
    yield* made;
  } catch (error) {
    throw turn.blamed(error);
  }
}

function pageOf({ limit, offset }: ReadPlan): { readonly limit: number; readonly offset: number } {
  return { limit, offset };
}

function tableFrame(head: Readonly<Record<string, unknown>>, next: (more: boolean) => string | null): Frame {
  return {
    head: `${JSON.stringify(head).slice(0, -1)},"data":[`,
    between: ',',
    tail: (more) => `],"next":${JSON.stringify(next(more))}}`,
  };
}

export function columnDocument({ name, type, nullable, kept_as }: Column): Readonly<Record<string, unknown>> {
  return { name, type, nullable, ...(kept_as === undefined ? {} : { kept_as }) };
}
