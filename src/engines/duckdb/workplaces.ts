import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SQL_FUNCTIONS } from '../../core/model/functions.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { COUNT } from './at-work.ts';
import type { ConversationOptions } from './conversation.ts';
import type { KeptViews } from './kept-views.ts';
import type { ReaderPool } from './reader-pool.ts';
import { DuckDbSession } from './session.ts';

/** Settings of a connection, and the functions that dataflow adds to the engine's own. */
export const PREPARATION: readonly string[] = [
  "set TimeZone='UTC'",
  ...SQL_FUNCTIONS.map(
    ({ name, params, body }) => `create or replace temp macro ${name}(${params.join(', ')}) as ${body}`,
  ),
];

/** What a session works at: a connection, and an attached database for its names. */
interface Workplace {
  readonly connection: DuckDBConnection;
  readonly database: string;
  /** Views that are there: name → the statement that made it. */
  readonly views: Map<string, string>;
}

/** Workplaces that wait for the next session; more are closed. */
const FREE_MAX = 8;

/**
 * Names live in a database that is attached for the session: schemas and views of an in-memory database are visible to all its
 * connections, while the limits of a second instance would be a second helping of memory and threads. A workplace costs 3 ms to set up,
 * so one that was left tidy serves again; views wait there for a session that wants the same ones ({@link KeptViews}).
 */
export class Workplaces {
  readonly #free: Workplace[] = [];
  #made = 0;

  async session(
    instance: DuckDBInstance,
    options: ConversationOptions,
    readers: ReaderPool | undefined,
  ): Promise<EngineSession> {
    const place = this.#free.pop() ?? (await this.#make(instance));
    const plain = options.onProgress === undefined;
    if (!plain) await place.connection.run(COUNT.join(';\n'));
    const giveBack = async (drops: readonly string[] | undefined): Promise<void> => {
      const tidy = plain && drops !== undefined && (await tidied(place, drops));
      if (tidy && this.#free.length < FREE_MAX) this.#free.push(place);
      else await removed(instance, place);
    };
    return new DuckDbSession(place.connection, options, giveBack, readers, place.views);
  }

  async #make(instance: DuckDBInstance): Promise<Workplace> {
    const connection = await instance.connect();
    const database = quoteIdent(`s${++this.#made}`);
    await connection.run([`attach ':memory:' as ${database}`, `use ${database}`, ...PREPARATION].join(';\n'));
    return { connection, database, views: new Map() };
  }

  close(): void {
    for (const { connection } of this.#free.splice(0)) connection.closeSync();
  }
}

/** Drops a session's names; false when that fails. */
async function tidied({ connection }: Workplace, drops: readonly string[]): Promise<boolean> {
  try {
    if (drops.length > 0) await connection.run(drops.join(';\n'));
    return true;
  } catch {
    return false;
  }
}

async function removed(instance: DuckDBInstance, { connection, database }: Workplace): Promise<void> {
  connection.closeSync();
  try {
    const cleaner = await instance.connect();
    await cleaner.run(`detach ${database}`).catch(() => undefined);
    cleaner.closeSync();
  } catch {
    // An engine that is lost connects nobody.
  }
}
