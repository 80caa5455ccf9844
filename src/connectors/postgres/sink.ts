import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Probe } from '../../core/ports/pulled-source.ts';
import type {
  Comparison,
  Outline,
  OutRows,
  Sink,
  SinkComponent,
  SinkLoad,
  SinkRequest,
  SinkTable,
  Standing,
} from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type PostgresConnection, placeOf } from './connection.ts';
import { compareTable } from './sink-compare.ts';
import { PostgresLoad, type Seen } from './sink-load.ts';
import { missingParts, viewStatements } from './sink-parts.ts';
import { SinkSession } from './sink-session.ts';
import { readState, standingOf } from './sink-state.ts';
import { tableFacts, tableWork } from './sink-tables.ts';

/** Databases as the way out: `loads:` over a connection of `type: postgres`. */
export const component: SinkComponent = {
  type: 'postgres',
  open: async (request) => new PostgresSink(request),
};

const SCHEMA = 'public';

/** Signs in when it is first asked. */
class PostgresSink implements Sink {
  readonly place: string;
  readonly whole_release = true;
  readonly #request: SinkRequest;
  readonly #connection: PostgresConnection;
  readonly #schema: string;
  #session: Promise<SinkSession> | undefined;
  #seen: Seen | undefined;
  /** Statements that were shown with a table already. */
  #shown = false;

  constructor(request: SinkRequest) {
    this.#request = request;
    this.#connection = request.connection.options as PostgresConnection;
    this.#schema = request.within ?? SCHEMA;
    this.place = `${placeOf(this.#connection)}${request.within === undefined ? '' : ` schema ${request.within}`}`;
  }

  async standing(
    tables: readonly Pick<SinkTable, 'table' | 'name'>[],
    { deep, spare }: { readonly deep: boolean; readonly spare?: ReadonlySet<string> },
  ): Promise<ReadonlyMap<string, Standing>> {
    const session = await this.#open();
    const state = await readState(session, this.#schema, this.#request.id);
    const counts = (table: string): boolean => deep && spare?.has(table) !== true;
    const { standing, digests } = await standingOf(session, this.#schema, state, tables, counts);
    this.#seen = { state, digests };
    return standing;
  }

  async outline(table: SinkTable): Promise<Outline> {
    const session = await this.#open();
    const qualified = `${quoteIdent(this.#schema)}.${quoteIdent(table.name)}`;
    const facts = await tableFacts(session, qualified);
    const work = tableWork(qualified, table, facts, false);
    const first = this.#shown ? [] : await missingParts(session, this.#schema);
    this.#shown = true;
    const remade = work.refused === undefined ? work : tableWork(qualified, table, facts, true);
    const { remarks, refused } = work;
    return {
      statements: [...first, ...remade.statements],
      remarks,
      ...(refused === undefined ? {} : { refused }),
    };
  }

  async outlineViews(): Promise<Outline> {
    const { views, id } = this.#request;
    if (Object.keys(views).length === 0) return { statements: [], remarks: [] };
    const session = await this.#open();
    const state = this.#seen?.state ?? (await readState(session, this.#schema, id));
    const statements: string[] = [];
    for (const [name, sql] of Object.entries(views))
      statements.push(...(await viewStatements(session, this.#schema, name, sql, state.views.get(name))));
    return { statements, remarks: [] };
  }

  async begin(release_id: string): Promise<SinkLoad> {
    const { id, views } = this.#request;
    const seen = this.#seen;
    const session = await this.#open();
    const reopen = (): Promise<SinkSession> => this.#signIn();
    // Of several writes, one a table, each goes by what the one before it left.
    const committed = (state: Seen['state']): void => {
      this.#seen = { state, digests: seen?.digests ?? new Map() };
    };
    const { place } = this;
    const parts = { session, place, reopen, schema: this.#schema, id, release_id, seen, views, committed };
    try {
      return await PostgresLoad.begin(parts);
    } catch (error) {
      await session.run('rollback').catch(() => undefined);
      throw error;
    }
  }

  async compare(table: SinkTable, rows: OutRows): Promise<Comparison> {
    return await compareTable(await this.#open(), this.#schema, table, rows);
  }

  async probe(): Promise<Probe> {
    try {
      const session = await this.#open();
      const [row] = await session.rows(
        `select current_setting('server_version') as version, pg_is_in_recovery()::text as standby,
           to_regnamespace($1)::oid::text as schema, has_database_privilege(current_database(), 'CREATE')::text as may_create,
           coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'CREATE, USAGE'), false)::text as may_write`,
        [quoteIdent(this.#schema)],
      );
      const server = `PostgreSQL ${row?.['version'] ?? ''} at ${this.place} answers`;
      if (row?.['standby'] === 'true')
        return { ok: false, words: `${server}, but it only reads`, hint: 'Name the primary in the connection.' };
      const there = (row?.['schema'] ?? null) !== null;
      const may = there ? row?.['may_write'] === 'true' : row?.['may_create'] === 'true';
      if (may) return { ok: true, words: there ? server : `${server}; schema ${this.#schema} will be made` };
      const needed = there ? `create in schema ${this.#schema}` : `make schema ${this.#schema}`;
      return {
        ok: false,
        words: `${server}, but we may not ${needed}`,
        hint: 'Grant the right to the user of the connection.',
      };
    } catch (error) {
      if (!(error instanceof DataflowError)) throw error;
      return { ok: false, words: error.message, hint: error.hint };
    }
  }

  async close(): Promise<void> {
    await (await this.#session?.catch(() => undefined))?.close();
  }

  #open(): Promise<SinkSession> {
    this.#session ??= this.#signIn();
    return this.#session;
  }

  #signIn(): Promise<SinkSession> {
    const { root, signal } = this.#request;
    return SinkSession.open(this.#connection, { root, signal });
  }
}
