import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';

/** Of a connection: each holds a plan and the first of its files open. */
const KEPT_MAX = 8;

/** Statements that are asked over and over with other values: what they read is looked up once for a connection. */
export class KeptStatements {
  readonly #kept = new WeakMap<DuckDBConnection, Map<string, DuckDBPreparedStatement>>();

  /** The statement of this text; the one that was not asked for the longest makes room. */
  async of(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
    const kept = this.#kept.get(connection) ?? new Map<string, DuckDBPreparedStatement>();
    this.#kept.set(connection, kept);
    const statement = kept.get(sql) ?? (await connection.prepare(sql));
    kept.delete(sql);
    kept.set(sql, statement);
    const [oldest] = kept;
    if (kept.size > KEPT_MAX && oldest !== undefined) {
      kept.delete(oldest[0]);
      oldest[1].destroySync();
    }
    return statement;
  }
}
