import type { ParityRecord, ParityResult } from '../model/parity.ts';

/** How the newest comparison of a table stands to its definition of today. */
export type ParityState = ParityResult | 'changed' | 'never';

export interface ParityStanding {
  readonly table: string;
  readonly engine: string;
  readonly state: ParityState;
  readonly record: ParityRecord | undefined;
}

/** `changed`: its definition is no longer the one that was compared. */
export function parityStanding(
  table: string,
  engine: string,
  fingerprint: string,
  records: readonly ParityRecord[],
): ParityStanding {
  const record = records.find((one) => one.table === table && one.engine === engine);
  const state = record === undefined ? 'never' : record.code_fingerprint === fingerprint ? record.result : 'changed';
  return { table, engine, state, record };
}

/** One line about a table: `equal on spark (5 % of the rows, 2026-01-02)`. */
export function standingWords({ engine, state, record }: ParityStanding): string {
  if (record === undefined) return `never compared with ${engine}`;
  const sample = record.sample_percent === undefined ? '' : `${record.sample_percent} % of the rows, `;
  const when = `${sample}${record.checked_at.slice(0, 16).replace('T', ' ')} UTC`;
  const words: Readonly<Record<ParityState, string>> = {
    equal: `the same rows on ${engine} (${when})`,
    different: `other rows on ${engine} (${when})`,
    refused: `refused for ${engine} (${when})`,
    not_comparable: `could not be compared with ${engine} (${when})`,
    changed: `changed since it was compared with ${engine} (${when})`,
    never: '',
  };
  return words[state];
}

/** What `plan` warns of: tables whose last comparison does not hold for what they are now. */
export function standingsToTell(standings: readonly ParityStanding[]): readonly string[] {
  const named = (state: ParityState): readonly string[] =>
    standings.filter((one) => one.state === state).map((one) => one.table);
  const engine = standings[0]?.engine ?? '';
  return [
    listed(named('changed'), `changed since ${engine} was seen to give the same rows`),
    listed(named('never'), `never compared with ${engine}`),
    listed(named('different'), `gave other rows on ${engine}`),
  ].filter((line) => line !== '');
}

const TOTALS: Readonly<Record<ParityState, string>> = {
  equal: 'the same',
  different: 'different',
  refused: 'refused',
  not_comparable: 'not compared',
  changed: 'changed since',
  never: 'never compared',
};

/** One line an engine: `spark: 4 tables the same, 1 different`. */
export function standingTotals(standings: readonly ParityStanding[]): readonly string[] {
  return [...new Set(standings.map(({ engine }) => engine))].map((engine) => {
    const parts = Object.entries(TOTALS).flatMap(([state, words]) => {
      const count = standings.filter((one) => one.engine === engine && one.state === state).length;
      return count === 0 ? [] : [[count, words] as const];
    });
    const [[first, words] = [0, ''], ...more] = parts;
    const rest = more.map(([count, other]) => `, ${count} ${other}`).join('');
    return `${engine}: ${first} ${first === 1 ? 'table' : 'tables'} ${words}${rest}`;
  });
}

const NAMED_MAX = 5;

function listed(tables: readonly string[], words: string): string {
  if (tables.length === 0) return '';
  const more = tables.length > NAMED_MAX ? ` and ${tables.length - NAMED_MAX} more` : '';
  const select = tables.length > NAMED_MAX ? '' : ` --select ${tables.join(',')}`;
  return `${tables.slice(0, NAMED_MAX).join(', ')}${more}: ${words} (dataflow parity${select})`;
}
