import type { Landing, PullContext, PullResult, UnitWriter } from '../../core/ports/pulled-source.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type CursorPosition, cursorText, Seen, Twins } from './cursor.ts';
import { asked, type SqliteValue } from './driver.ts';
import type { SqliteOptions } from './options.ts';
import { orderOf } from './order.ts';
import { openRelation, type Relation, stampOf } from './relation.ts';
import { jsonOf } from './values.ts';

/** Rows that are written at a time. */
const CHUNK_ROWS = 500;

type Row = Readonly<Record<string, SqliteValue>>;

/** Everything there is, as one consistent state; nothing when nobody wrote since. */
export async function pullSnapshot(
  options: SqliteOptions,
  landing: Landing,
  context: PullContext,
): Promise<PullResult> {
  const stamp = stampOf(options, context.root);
  const before = (context.position as { readonly stamp?: string } | undefined)?.stamp;
  if (before === stamp) return { caught_up: true, position: { stamp }, unchanged: true };
  const relation = openRelation(options, context.root);
  try {
    const units = new Units(landing, relation);
    const rows = rowsOf(relation, `select * from ${relation.from}`, []);
    let taken = 0;
    for (const row of rows) {
      taken += 1;
      if (!units.add(row)) continue;
      context.signal.throwIfAborted();
      await units.flush();
      if (units.records >= options.unit_records) await units.close({ rows: taken });
    }
    await units.close({ rows: taken });
    return { caught_up: true, position: { stamp } };
  } finally {
    relation.db.close();
  }
}

/** What is new since the position: rows without a place in the order of the cursor first, then the others in that order. */
export async function pullChanges(options: SqliteOptions, landing: Landing, context: PullContext): Promise<PullResult> {
  const stamp = stampOf(options, context.root);
  const relation = openRelation(options, context.root);
  try {
    const column = options.cursor?.column ?? '';
    const seen = new Seen((context.position ?? {}) as Partial<CursorPosition>, options, relation.shown);
    const units = new Units(landing, relation);
    const { records_max, bytes_max } = context.limits;
    let records = 0;
    for (const { row, mark, stray } of newRows(options, relation, seen)) {
      if (records >= records_max || units.size_bytes >= bytes_max) {
        // The stamp of now would say that nothing is left.
        const position = { ...seen.position('') };
        await units.close(position);
        return { caught_up: false, position };
      }
      if (stray) seen.addStray(mark);
      else seen.add(mark, row[column] ?? null);
      records += 1;
      if (!units.add(row)) continue;
      context.signal.throwIfAborted();
      await units.flush();
      if (units.records >= options.unit_records) await units.close({ ...seen.position('') });
    }
    const position = { ...seen.position(stamp) };
    await units.close(position);
    return { caught_up: true, position };
  } finally {
    relation.db.close();
  }
}

interface NewRow {
  readonly row: Row;
  readonly mark: string;
  readonly stray: boolean;
}

/** Rows that were not taken. A stray is told by all that it holds, since no cursor says that it changed. */
export function* newRows(options: SqliteOptions, relation: Relation, seen: Seen): Generator<NewRow> {
  const column = options.cursor?.column ?? '';
  const all = relation.columns.map(({ name }) => name);
  const key = options.key ?? all;
  const types = new Map(relation.columns.map(({ name, type }) => [name, type]));
  const cursor = quoteIdent(column);
  const { start } = seen;
  const { inside, strays } = orderOf(options, relation, seen);
  const partsOf = (row: Row, names: readonly string[]): string[] =>
    names.map((name) => jsonOf(row[name] ?? null, types.get(name) ?? ''));
  const apart = new Twins();
  const select = `select * from ${relation.from} where`;
  for (const row of rowsOf(relation, `${select} ${strays} order by ${all.map(quoteIdent).join(', ')}`, [])) {
    const mark = apart.markOf(partsOf(row, all));
    if (!seen.hasStray(mark)) yield { row, mark, stray: true };
  }
  seen.endStrays();
  const twins = new Twins();
  const where = start === undefined ? inside : `${inside} and ${cursor} >= ?`;
  const order = [cursor, ...key.map(quoteIdent)].join(', ');
  for (const row of rowsOf(relation, `${select} ${where} order by ${order}`, start === undefined ? [] : [start])) {
    const mark = twins.markOf([cursorText(row[column] ?? null), ...partsOf(row, key)]);
    if (!seen.has(mark)) yield { row, mark, stray: false };
  }
}

function* rowsOf({ db, shown }: Relation, sql: string, values: readonly SqliteValue[]): Generator<Row> {
  const statement = asked(shown, () => db.prepare(sql));
  statement.setReadBigInts(true);
  const rows = asked(shown, () => statement.iterate(...values));
  try {
    for (;;) {
      const next = asked(shown, () => rows.next());
      if (next.done === true) return;
      yield next.value as Row;
    }
  } finally {
    // The addon needs the statement alive and the rows given back before the database is closed.
    rows.return?.();
    statement[Symbol.dispose]?.();
  }
}

/** Rows as lines of JSON in one unit after the other. */
class Units {
  readonly #landing: Landing;
  readonly #columns: readonly (readonly [name: string, json: string, type: string])[];
  #unit: UnitWriter | undefined;
  #lines: string[] = [];
  #closed_bytes = 0;
  #number = 0;
  /** Of the unit that is open. */
  records = 0;

  constructor(landing: Landing, { columns }: Relation) {
    this.#landing = landing;
    this.#columns = columns.map(({ name, type }) => [name, JSON.stringify(name), type] as const);
  }

  get size_bytes(): number {
    return this.#closed_bytes + (this.#unit?.size_bytes ?? 0);
  }

  /** True when there is enough to be flushed. */
  add(row: Row): boolean {
    const members = this.#columns.map(([name, json, type]) => `${json}:${jsonOf(row[name] ?? null, type)}`);
    this.#lines.push(`{${members.join(',')}}\n`);
    this.records += 1;
    return this.#lines.length >= CHUNK_ROWS;
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    this.#unit ??= await this.#landing.open(`rows-${String(this.#number + 1).padStart(6, '0')}`, { format: 'ndjson' });
    const lines = this.#lines;
    this.#lines = [];
    await this.#unit.write(Buffer.from(lines.join('')));
  }

  async close(position: Readonly<Record<string, unknown>>): Promise<void> {
    await this.flush();
    const unit = this.#unit;
    if (unit === undefined) return;
    this.#closed_bytes += unit.size_bytes;
    await unit.close({ records: this.records, position });
    this.#unit = undefined;
    this.records = 0;
    this.#number += 1;
  }
}
