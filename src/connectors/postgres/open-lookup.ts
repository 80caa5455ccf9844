import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Lookup, LookupContext, LookupReply } from '../../core/ports/lookup.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type PostgresConnection, placeOf } from './connection.ts';
import type { PostgresLookupOptions } from './lookup-options.ts';
import { describeRelation, type Relation } from './relation.ts';
import { Session } from './session.ts';

const KEYS_MAX = 5_000;

interface Opened {
  readonly session: Session;
  readonly relation: Relation;
}

/** Finds rows by their keys, many at once, all in one snapshot that begins with the first question. */
export function openPostgresLookup(
  options: PostgresLookupOptions,
  connection: PostgresConnection,
  root: string,
): Lookup {
  const { table, on, statement_timeout_s } = options;
  let opened: Opened | undefined;
  const open = async ({ signal }: LookupContext): Promise<Opened> => {
    if (opened !== undefined) return opened;
    const session = await Session.open(connection, { root, signal, statement_timeout_s });
    try {
      await session.begin(statement_timeout_s);
      opened = { session, relation: await describeRelation(session, { table }) };
      return opened;
    } catch (error) {
      await session.close();
      throw error;
    }
  };
  const many: NonNullable<Lookup['many']> = {
    keys_max: KEYS_MAX,
    ask: async (keys, wanted, context) => repliesTo(await open(context), on, keys, wanted),
  };
  return {
    many,
    ask: async (key, wanted, context) => {
      const [reply] = await many.ask([key], wanted, context);
      return reply ?? { kind: 'refused', reason: `${table} does not answer` };
    },
    probe: async (_known, wanted, context) => {
      await many.ask([], wanted, context);
      return { ok: true, words: `PostgreSQL at ${placeOf(connection)}: ${table} can be read` };
    },
    close: async () => opened?.session.close(),
  };
}

type Key = Readonly<Record<string, string>>;

/** @throws DataflowError E_LOOKUP_AMBIGUOUS when two rows have the same key, E_SOURCE_QUERY for columns that are not there. */
async function repliesTo(
  { session, relation }: Opened,
  on: Readonly<Record<string, string>>,
  keys: readonly Key[],
  wanted: readonly string[],
): Promise<readonly LookupReply[]> {
  const sides = Object.entries(on).map(([own, other]) => ({ own, other, kind: kindOf(relation, other) }));
  const none: LookupReply = { kind: 'refused', reason: `${relation.name} has no row for it` };
  const replies: LookupReply[] = keys.map(() => none);
  const fit = [...keys.entries()].filter(([, key]) => sides.every(({ own, kind }) => kind.fits(key[own] ?? '')));
  const lists = sides.map((_, i) => `$${i + 1}::text[]::${sides[i]?.kind.type ?? 'text'}[]`);
  const names = sides.map((_, i) => `k${i + 1}`);
  const same = sides.map(({ other, kind }, i) => {
    const column = `t.${quoteIdent(other)}`;
    return `${kind.as_text ? `cast(${column} as text)` : column} = k.k${i + 1}`;
  });
  const values = wanted.map((place, i) => `cast(t.${quoteIdent(place)} as text) as v${i}`);
  const sql = `select k.i::text as i, ${values.join(', ')} from unnest(${lists.join(', ')}) with ordinality as k (${names.join(', ')}, i)
    join ${relation.from} on ${same.join(' and ')} limit ${fit.length + 1}`;
  const rows = await session.rows(
    sql,
    sides.map(({ own }) => fit.map(([, key]) => key[own] ?? '')),
  );
  const found = new Set<number>();
  for (const row of rows) {
    const [index, key] = fit[Number(row['i']) - 1] ?? [-1, {}];
    if (found.has(index)) {
      const shown = Object.values(key).join(', ');
      throw new DataflowError('E_LOOKUP_AMBIGUOUS', `${relation.name} has several rows for ${shown}`);
    }
    found.add(index);
    replies[index] = { kind: 'answer', values: wanted.map((_, i) => row[`v${i}`] ?? null) };
  }
  return replies;
}

/** How a key is compared: as the type of the column, so that its index serves, where every text that fits can be cast. */
interface KeyKind {
  readonly type: string;
  readonly as_text: boolean;
  fits(text: string): boolean;
}

const INT64 = 2n ** 63n;
const TEXT: KeyKind = { type: 'text', as_text: false, fits: (text) => !text.includes('\0') };
const KINDS: Readonly<Record<string, KeyKind>> = {
  ...Object.fromEntries(['text', 'character varying', 'bpchar', 'citext', 'name'].map((type) => [type, TEXT])),
  ...Object.fromEntries(
    ['smallint', 'integer', 'bigint'].map((type): [string, KeyKind] => [
      type,
      {
        type: 'bigint',
        as_text: false,
        fits: (text) => /^-?\d{1,19}$/.test(text) && BigInt(text) < INT64 && BigInt(text) >= -INT64,
      },
    ]),
  ),
  numeric: { type: 'numeric', as_text: false, fits: (text) => /^-?\d{1,1000}(\.\d{1,1000})?$/.test(text) },
  uuid: { type: 'uuid', as_text: false, fits: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) },
};

function kindOf({ columns }: Relation, name: string): KeyKind {
  const type = columns.find((column) => column.name === name)?.sql_type ?? '';
  return KINDS[type] ?? { ...TEXT, as_text: true };
}
