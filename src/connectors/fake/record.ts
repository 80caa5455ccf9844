import type { Column } from '../../core/model/table.ts';

/** Columns of records when none are declared: one of each kind that matters. */
export const FAKE_COLUMNS: readonly Column[] = [
  { name: 'id', type: 'bigint', nullable: false },
  { name: 'made_at', type: 'timestamptz', nullable: false },
  { name: 'product', type: 'varchar', nullable: false },
  { name: 'quantity', type: 'integer', nullable: false },
  { name: 'amount', type: 'decimal(12,2)', nullable: false },
  { name: 'paid', type: 'boolean', nullable: false },
];

const WORDS = ['apple', 'bread', 'café', 'date', 'egg', 'flour', 'grape', 'honey', 'ice', 'jam', 'kiwi', 'lemon'];

/** 32 well-mixed bits for a record, a column and a seed: the same always and everywhere. */
export function draw(seed: number, record: number, column: number): number {
  let h = (seed ^ 0x9e3779b9) | 0;
  for (const part of [record % 4294967296, Math.floor(record / 4294967296), column]) {
    h = Math.imul(h ^ part, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

/** JSON of one record, by its number alone. Numbers are written digit by digit: no value goes through a floating point. */
export function recordJson(columns: readonly Column[], seed: number, record: number, made_at_ms: number): string {
  const members = columns.map(
    ({ name, type }, index) =>
      `${JSON.stringify(name)}:${valueJson(name, type, draw(seed, record, index), record, made_at_ms)}`,
  );
  return `{${members.join(',')}}`;
}

function valueJson(name: string, type: string, bits: number, record: number, made_at_ms: number): string {
  const base = type.replace(/\(.*$/, '').toLowerCase();
  const instant = new Date(made_at_ms).toISOString();
  if (base === 'boolean') return bits % 2 === 0 ? 'true' : 'false';
  if (name === 'id' || name.startsWith('id_')) return base === 'varchar' ? `"${record}"` : String(record);
  if (base === 'tinyint') return String(bits % 100);
  if (base === 'integer' || base === 'smallint' || base === 'bigint') return String(bits % 1000);
  if (base === 'decimal') return decimalJson(type, bits);
  if (base === 'double' || base === 'float') return `${bits % 10_000}.${String(bits % 100).padStart(2, '0')}`;
  if (base === 'date') return `"${instant.slice(0, 10)}"`;
  if (base === 'timestamp') return `"${instant.slice(0, 23)}"`;
  if (base === 'timestamptz') return `"${instant}"`;
  if (base === 'uuid') return `"${String(record).padStart(8, '0')}-0000-4000-8000-${String(bits).padStart(12, '0')}"`;
  return JSON.stringify(WORDS[bits % WORDS.length]);
}

/** As many digits as the type holds, at most six before the point. */
function decimalJson(type: string, bits: number): string {
  const [, width = '12', scale = '2'] = /\((\d+)\s*,\s*(\d+)\)/.exec(type) ?? [];
  const whole = Math.min(6, Number(width) - Number(scale));
  const head = whole <= 0 ? '0' : String(bits % 10 ** whole);
  const tail = String(bits).padStart(Number(scale), '0').slice(-Number(scale));
  return Number(scale) === 0 ? head : `${head}.${tail}`;
}
