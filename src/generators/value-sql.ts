import { createHash } from 'node:crypto';
import { quoteText } from '../kit/sql.ts';
import type { ColumnPlan, DataPlan, Maker, SourcePlan, VocabularyName } from './plan-types.ts';

/** What value expressions need beside the plan. */
export interface ValueContext {
  readonly plan: DataPlan;
  readonly words: ReadonlyMap<VocabularyName, readonly string[]>;
  /** Rows of every source, once known. */
  readonly rows: ReadonlyMap<string, number>;
}

/** SQL of the row's own number (from 1) and of its parent's. */
export interface RowNumbers {
  readonly own: string;
  readonly parent: string;
}

const DOMAINS = ['exemple.fr', 'exemple.be', 'courrier.example', 'example.com', 'example.org'];
const DAY_MS = 86_400_000;

/**
 * SQL of a pseudo-random ubigint that depends on nothing but the seed, the row and the purpose: so the engine may compute rows in any
 * order and on any number of threads. `purpose` names the use, e.g. `achats.montant`.
 */
export function draw(plan: DataPlan, row: string, purpose: string): string {
  const salt = createHash('sha256').update(`${plan.seed}\0${purpose}`).digest().readUInt32BE(0);
  return `hash(${row}, ${salt})`;
}

/** SQL of a number from 0 to `count - 1`. */
export function drawBelow(plan: DataPlan, row: string, purpose: string, count: number): string {
  return `(${draw(plan, row, purpose)} % ${count})`;
}

/** SQL that chooses one of the texts. */
export function choose(plan: DataPlan, row: string, purpose: string, texts: readonly string[]): string {
  const [only] = texts;
  if (texts.length <= 1) return quoteText(only ?? '');
  return `[${texts.map(quoteText).join(', ')}][1 + ${drawBelow(plan, row, purpose, texts.length)}::integer]`;
}

/** SQL of a column's faultless value. `as_text` gives what stands in a text file; `quoted` is applied to words known beforehand. */
export function valueSql(
  context: ValueContext,
  source: SourcePlan,
  column: ColumnPlan,
  at: RowNumbers,
  quoted: (text: string) => string,
): string {
  const { plan } = context;
  const purpose = `${source.name}.${column.name}`;
  const { maker } = column;
  switch (maker.kind) {
    case 'sequence':
      return at.own;
    case 'reference':
      return referenceSql(context, source, column, maker, at, quoted);
    case 'values':
      return choose(
        plan,
        at.own,
        purpose,
        maker.values.map((value) => quoted(String(value))),
      );
    case 'number':
      return numberSql(plan, purpose, maker, at.own);
    case 'date':
    case 'timestamp':
      return timeSql(plan, purpose, maker, at.own);
    case 'boolean':
      return `(${draw(plan, at.own, purpose)} & 1 = 0)`;
    case 'uuid':
      return `cast(md5(concat(${draw(plan, at.own, purpose)}, '-', ${at.own})) as uuid)`;
    case 'vocabulary':
      return wordSql(context, purpose, maker.words, at.own, quoted);
  }
}

function referenceSql(
  context: ValueContext,
  source: SourcePlan,
  column: ColumnPlan,
  maker: Extract<Maker, { kind: 'reference' }>,
  at: RowNumbers,
  quoted: (text: string) => string,
): string {
  const parent = context.plan.sources.find((one) => one.name === maker.source);
  const held = parent?.columns.find((one) => one.name === maker.column);
  if (parent === undefined || held === undefined) return 'null';
  const rows = context.rows.get(parent.name) ?? 0;
  const chosen =
    source.per?.column === column.name
      ? at.parent
      : `(1 + ${drawBelow(context.plan, at.own, `${source.name}.${column.name}`, Math.max(1, rows))}::bigint)`;
  // A grandparent's key is the same for all of a parent's children, so it must follow from the parent's number alone.
  const grand = parent.per === undefined ? chosen : `(select p from ${rowsTable(parent)} where i = ${chosen})`;
  return valueSql(context, parent, held, { own: chosen, parent: grand }, quoted);
}

/** Name of the relation with the numbers of a source's rows: `i`, and `p` of its parent. */
export function rowsTable(source: SourcePlan): string {
  return `"_rows_${source.name}"`;
}

function numberSql(plan: DataPlan, purpose: string, maker: Extract<Maker, { kind: 'number' }>, row: string): string {
  const scale = 10 ** maker.decimals;
  const low = Math.ceil(maker.min * scale - 1e-6);
  const high = Math.max(low, Math.floor(maker.max * scale + 1e-6));
  const units = `(${low} + ${drawBelow(plan, row, purpose, high - low + 1)}::bigint)`;
  if (maker.decimals === 0) return units;
  const digits = Math.max(String(Math.abs(low)).length, String(Math.abs(high)).length, maker.decimals + 1);
  return `(cast(${units} as decimal(${digits},0)) * ${(1 / scale).toFixed(maker.decimals)})`;
}

function timeSql(
  plan: DataPlan,
  purpose: string,
  maker: Extract<Maker, { kind: 'date' | 'timestamp' }>,
  row: string,
): string {
  const days = Math.max(0, Math.round((Date.parse(maker.max) - Date.parse(maker.min)) / DAY_MS)) + 1;
  if (maker.kind === 'date') return `(date ${quoteText(maker.min)} + ${drawBelow(plan, row, purpose, days)}::integer)`;
  return `(timestamp ${quoteText(maker.min)} + to_seconds(${drawBelow(plan, row, purpose, days * 86_400)}::bigint))`;
}

function wordSql(
  context: ValueContext,
  purpose: string,
  words: VocabularyName,
  row: string,
  quoted: (text: string) => string,
): string {
  const texts = (context.words.get(words) ?? []).map(quoted);
  const word = choose(context.plan, row, purpose, texts);
  return words === 'email'
    ? `concat(${word}, '.', ${row}, '@', ${choose(context.plan, row, `${purpose}@`, DOMAINS)})`
    : word;
}
