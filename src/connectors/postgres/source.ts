import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Outlook, Probe, PullContext, PulledSource } from '../../core/ports/pulled-source.ts';
import type { PulledSourceComponent } from '../../core/ports/source-component.ts';
import { shortHash } from '../../kit/ids.ts';
import { changesPlan } from './changes-plan.ts';
import { type PostgresConnection, placeOf } from './connection.ts';
import { type PostgresOptions, schema } from './options.ts';
import { changesOutlook, snapshotOutlook } from './outlook.ts';
import { pullChanges } from './pull-changes.ts';
import { pullSnapshot } from './pull-snapshot.ts';
import { describeRelation, type Relation } from './relation.ts';
import { Session } from './session.ts';

/** A table, a view or a query of a PostgreSQL database: `type: postgres`. */
export const component: PulledSourceComponent<PostgresOptions> = {
  type: 'postgres',
  summary: 'A table or query of PostgreSQL: whole, or by a cursor with an overlap so that late commits are not missed.',
  schema,
  connection_types: ['postgres'],
  open: (options, { connection }) => {
    if (connection === undefined) throw new DataflowError('E_INTERNAL', 'a postgres source without a connection');
    return postgresSource(options, connection.options as PostgresConnection);
  },
};

/** What looks may take: they are there for a glance. */
const GLANCE_S = 10;

type Place = Pick<PullContext, 'root' | 'signal'>;

function postgresSource(options: PostgresOptions, connection: PostgresConnection): PulledSource {
  const inSession = async <T>(place: Place, timeout_s: number, work: (session: Session) => Promise<T>): Promise<T> => {
    const session = await open(place, timeout_s);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };
  const open = async (place: Place, statement_timeout_s: number, snapshot?: string): Promise<Session> => {
    const session = await Session.open(connection, { ...place, statement_timeout_s });
    try {
      await session.begin(statement_timeout_s, snapshot);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  };
  return {
    pulls: options.cursor === undefined ? 'snapshot' : 'changes',
    asks: askedFor(options),
    columns: (context) =>
      inSession(context, GLANCE_S, async (session) =>
        (await describeRelation(session, options)).columns.map(({ name, type }) => ({ name, type, nullable: true })),
      ),
    look: (context) =>
      inSession(context, GLANCE_S, async (session): Promise<Outlook> => {
        const relation = await describeRelation(session, options);
        return options.cursor === undefined
          ? snapshotOutlook(session, relation)
          : changesOutlook(session, changesPlan(relation, options), context.position);
      }),
    pull: (landing, context) =>
      inSession(context, options.statement_timeout_s, async (session) => {
        const relation = await describeRelation(session, options);
        if (options.cursor !== undefined) return pullChanges(session, changesPlan(relation, options), landing, context);
        const more = (snapshot: string) => open(context, options.statement_timeout_s, snapshot);
        return pullSnapshot(session, relation, options.parallel, more, landing);
      }),
    probe: (place) => probe((work) => inSession(place, GLANCE_S, work), options, connection),
    close: async () => undefined,
  };
}

async function probe(
  ask: (work: (session: Session) => Promise<Probe>) => Promise<Probe>,
  options: PostgresOptions,
  connection: PostgresConnection,
): Promise<Probe> {
  try {
    return await ask(async (session) => {
      const [server] = await session.rows(`select current_setting('server_version') as version, current_user as who`);
      const relation = await describeRelation(session, options);
      if (options.cursor !== undefined) changesPlan(relation, options);
      return {
        ok: true,
        words: wordsOf(relation, placeOf(connection), server?.['version'] ?? '', server?.['who'] ?? ''),
      };
    });
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    return { ok: false, words: error.message, hint: error.hint };
  }
}

function wordsOf(relation: Relation, place: string, version: string, who: string): string {
  return `PostgreSQL ${version} at ${place} as ${who}: ${relation.name} can be read, ${relation.columns.length} columns`;
}

/** What a position counts for. */
function askedFor({ table, query, cursor }: PostgresOptions): string {
  const what = table === undefined ? `query ${shortHash(query ?? '')}` : `table ${table}`;
  return cursor === undefined ? what : `${what} by ${cursor.column}`;
}
