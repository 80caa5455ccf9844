import type { Landing, PullContext, PullResult, UnitWriter } from '../../core/ports/pulled-source.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type CursorPosition, cursorText, Seen, Twins } from './cursor.ts';
import { asked, type SqliteValue } from './driver.ts';
import type { SqliteOptions } from './options.ts';
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

/** What is new since the position, in the order of the cursor. */
export async function pullChanges(options: SqliteOptions, landing: Landing, context: PullContext): Promise<PullResult> {
  const stamp = stampOf(options, context.root);
  const relation = openRelation(options, context.root);
  try {
    const column = options.cursor?.column ?? '';
    const seen = new Seen((context.position ?? {}) as Partial<CursorPosition>, options, relation.shown);
    const key = options.key ?? relation.columns.map(({ name }) => name);
    const types = new Map(relation.columns.map(({ name, type }) => [name, type]));
    const cursor = quoteIdent(column);
    const { start } = seen;
    const where = start === undefined ? `${cursor} is not null` : `${cursor} >= ?`;
    const order = [cursor, ...key.map(quoteIdent)].join(', ');
    const sql = `select * from ${relation.from} where ${where} order by ${order}`;
    const units = new Units(landing, relation);
    const twins = new Twins();
    let records = 0;
    for (const row of rowsOf(relation, sql, start === undefined ? [] : [start])) {
      const value = row[column] ?? null;
      const mark = twins.markOf([
        cursorText(value),
        ...key.map((name) => jsonOf(row[name] ?? null, types.get(name) ?? '')),
      ]);
      if (seen.has(mark)) continue;
      if (records >= context.limits.records_max || units.size_bytes >= context.limits.bytes_max) {
        // The stamp of now would say that nothing is left.
        const position = { ...seen.position('') };
        await units.close(position);
        return { caught_up: false, position };
      }
      seen.add(mark, value);
      records += 1;
      if (!units.add(row)) continue;
      context.signal.throwIfAborted();
      await units.flush();
      if (units.records >= options.unit_records) await units.close({ ...seen.position('') });
    }
    tellWithout(relation, column, context);
    const position = { ...seen.position(stamp) };
    await units.close(position);
    return { caught_up: true, position };
  } finally {
    relation.db.close();
  }
}

/** Rows without a cursor value have no place in the order: they cannot be taken, and that is said. */
function tellWithout(relation: Relation, column: string, { note }: PullContext): void {
  const sql = `select count(*) as n from ${relation.from} where ${quoteIdent(column)} is null`;
  for (const { n } of rowsOf(relation, sql, []))
    if (Number(n) > 0)
      note(
        `${Number(n).toLocaleString('en-GB')} ${Number(n) === 1 ? 'row has' : 'rows have'} no value in the column ${column} of the cursor and ${Number(n) === 1 ? 'is' : 'are'} not taken`,
      );
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
