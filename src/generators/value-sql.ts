import { quoteText } from '../kit/sql.ts';
import { choose, draw, drawBelow } from './draw.ts';
import type { ColumnPlan, DataPlan, Maker, SourcePlan, VocabularyName } from './plan-types.ts';
import { parentSql } from './row-counts.ts';

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

/** Days of a range that are looked up as texts, which is cheaper than formatting a date. */
const DAYS_AS_WORDS_MAX = 2000;

/** What is done to words known beforehand, to put them into a text file as they are. */
export type Quoting = (text: string) => string;

function asWritten(text: string, quoted: Quoting | undefined): string {
  return quoted === undefined ? text : quoted(text);
}

/** Whether all values of the column come from a list of words, so that quoting (and a delimiter before them) costs nothing. */
export function isWords(column: ColumnPlan): boolean {
  const { maker } = column;
  if (maker.kind !== 'date') return maker.kind === 'values' || maker.kind === 'vocabulary';
  return Date.parse(maker.max) - Date.parse(maker.min) < DAYS_AS_WORDS_MAX * DAY_MS;
}

/** SQL of a column's faultless value. With `quoted` it is what stands in a text file. */
export function valueSql(
  context: ValueContext,
  source: SourcePlan,
  column: ColumnPlan,
  at: RowNumbers,
  quoted: Quoting | undefined,
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
        maker.values.map((value) => asWritten(String(value), quoted)),
      );
    case 'number':
      return numberSql(plan, purpose, maker, at.own);
    case 'date':
    case 'timestamp':
      return timeSql(plan, purpose, maker, at.own, quoted);
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
  quoted: Quoting | undefined,
): string {
  const parent = context.plan.sources.find((one) => one.name === maker.source);
  const held = parent?.columns.find((one) => one.name === maker.column);
  if (parent === undefined || held === undefined) return 'null';
  const rows = context.rows.get(parent.name) ?? 0;
  const chosen =
    source.per?.column === column.name
      ? at.parent
      : `(1 + ${drawBelow(context.plan, at.own, `${source.name}.${column.name}`, Math.max(1, rows))}::bigint)`;
  const grand = parentSql(context.plan, parent, context.rows, chosen);
  return valueSql(context, parent, held, { own: chosen, parent: grand }, quoted);
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
  quoted: Quoting | undefined,
): string {
  const first = Date.parse(maker.min);
  const days = Math.max(0, Math.round((Date.parse(maker.max) - first) / DAY_MS)) + 1;
  if (maker.kind === 'timestamp') {
    return `(timestamp ${quoteText(maker.min)} + to_seconds(${drawBelow(plan, row, purpose, days * 86_400)}::bigint))`;
  }
  const day = drawBelow(plan, row, purpose, days);
  if (quoted === undefined || days > DAYS_AS_WORDS_MAX) return `(date ${quoteText(maker.min)} + ${day}::integer)`;
  const texts = Array.from({ length: days }, (_, n) => quoted(new Date(first + n * DAY_MS).toISOString().slice(0, 10)));
  return `[${texts.map(quoteText).join(', ')}][1 + ${day}::integer]`;
}

function wordSql(
  context: ValueContext,
  purpose: string,
  words: VocabularyName,
  row: string,
  quoted: Quoting | undefined,
): string {
  const texts = (context.words.get(words) ?? []).map((text) => asWritten(text, quoted));
  const word = choose(context.plan, row, purpose, texts);
  return words === 'email'
    ? `concat(${word}, '.', ${row}, '@', ${choose(context.plan, row, `${purpose}@`, DOMAINS)})`
    : word;
}
