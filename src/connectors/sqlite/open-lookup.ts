import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { Lookup, LookupReply } from '../../core/ports/lookup.ts';
import type { Probe } from '../../core/ports/pulled-source.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { asked, type SqliteValue } from './driver.ts';
import type { SqliteLookupOptions } from './lookup-options.ts';
import { openRelation, type Relation } from './relation.ts';
import { jsonOf } from './values.ts';

const KEYS_MAX = 5_000;

/** Finds rows by their keys, many at once. The file is opened with the first question. */
export function openSqliteLookup(options: SqliteLookupOptions, root: string): Lookup {
  let opened: Relation | undefined;
  const relation = (): Relation => {
    opened ??= openRelation({ path: options.path, table: options.table }, root);
    return opened;
  };
  const many: NonNullable<Lookup['many']> = {
    keys_max: KEYS_MAX,
    ask: async (keys, wanted) => repliesTo(relation(), options, keys, wanted),
  };
  return {
    many,
    ask: async (key, wanted, context) => {
      const [reply] = await many.ask([key], wanted, context);
      return reply ?? { kind: 'refused', reason: `${options.table} does not answer` };
    },
    probe: async (_known, wanted): Promise<Probe> => {
      repliesTo(relation(), options, [], wanted);
      return { ok: true, words: `${options.path}: ${options.table} can be read` };
    },
    close: async () => opened?.db.close(),
  };
}

type Key = Readonly<Record<string, string>>;

/** @throws DataflowError E_LOOKUP_AMBIGUOUS when two rows have the same key, E_SOURCE_QUERY for columns that are not there. */
function repliesTo(
  { db, shown, from, columns }: Relation,
  { table, on }: SqliteLookupOptions,
  keys: readonly Key[],
  wanted: readonly string[],
): readonly LookupReply[] {
  const same = Object.values(on).map((other, i) => matchSql(columns, other, i));
  const values = wanted.map((place, i) => `t.${quoteIdent(place)} as v${i}`);
  const sql = `select k.key as i, ${values.join(', ')} from json_each(?) as k join ${from} as t on ${same.join(' and ')} limit ?`;
  const texts = keys.map((key) => Object.keys(on).map((column) => key[column] ?? ''));
  const replies: LookupReply[] = keys.map(() => ({ kind: 'refused', reason: `${table} has no row for it` }));
  const found = new Set<number>();
  const types = wanted.map((place) => typeOf(columns, place));
  asked(shown, () => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    // One row more than keys tells that a key has two.
    for (const row of statement.iterate(JSON.stringify(texts), keys.length + 1) as IterableIterator<Row>) {
      const index = Number(row['i']);
      if (found.has(index))
        throw new DataflowError('E_LOOKUP_AMBIGUOUS', `${shown} has several rows for ${texts[index]?.join(', ')}`);
      found.add(index);
      replies[index] = { kind: 'answer', values: types.map((type, i) => textOf(row[`v${i}`] ?? null, type)) };
    }
  });
  return replies;
}

type Row = Readonly<Record<string, SqliteValue>>;

/** A column with a declared type takes a text as its own type would have it; one without compares kinds too. */
function matchSql(columns: readonly Column[], other: string, index: number): string {
  const column = `t.${quoteIdent(other)}`;
  const key = `json_extract(k.value, '$[${index}]')`;
  return typeOf(columns, other) === 'blob' ? `cast(${column} as text) = ${key}` : `${column} = ${key}`;
}

function typeOf(columns: readonly Column[], name: string): string {
  return columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.type ?? 'varchar';
}

/** Digit by digit, as rows of a source would have it. */
function textOf(value: SqliteValue, type: string): string | null {
  const json = jsonOf(value, type);
  return json === 'null' ? null : json.startsWith('"') ? String(JSON.parse(json)) : json;
}
