import type { Comparison, OutRows, SinkTable } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { SinkSession } from './sink-session.ts';
import { copyText, pgType } from './sink-types.ts';

const SAMPLES = 3;

/** Sends the rows of the lake to a temporary table, and has the database compare both, values as it knows them. Nothing of it stays. */
export async function compareTable(
  session: SinkSession,
  schema: string,
  table: SinkTable,
  rows: OutRows,
): Promise<Comparison> {
  const names = table.columns.map(({ name }) => quoteIdent(name)).join(', ');
  const typed = table.columns.map((column) => `${quoteIdent(column.name)} ${pgType(column)}`).join(', ');
  const there = `select ${names} from ${quoteIdent(schema)}.${quoteIdent(table.name)}`;
  const lake = 'select * from _dataflow_compare';
  await session.run('begin');
  try {
    await session.run(`create temp table _dataflow_compare (${typed}) on commit drop`);
    const select = table.columns.map((column) => ({ name: column.name, sql: copyText(column) }));
    const text = rows.bytes({ format: 'tab', select });
    const rows_lake = await session.copy('copy _dataflow_compare from stdin', text, table.table);
    const only = async (one: string, other: string): Promise<number> => {
      const [row] = await session.rows(`select count(*) as n from (${one} except all ${other}) d`);
      return Number(row?.['n'] ?? 0);
    };
    const samplesOf = async (side: string, one: string, other: string): Promise<readonly string[]> => {
      const found = await session.rows(`select d::text as row from (${one} except all ${other} limit ${SAMPLES}) d`);
      return found.map((row) => `only ${side}: ${row['row'] ?? ''}`);
    };
    const [count] = await session.rows(`select count(*) as n from (${there}) t`);
    const only_lake = await only(lake, there);
    const only_there = await only(there, lake);
    const samples = [
      ...(only_lake > 0 ? await samplesOf('in the lake', lake, there) : []),
      ...(only_there > 0 ? await samplesOf('at the destination', there, lake) : []),
    ];
    return { rows_lake, rows_there: Number(count?.['n'] ?? 0), only_lake, only_there, samples };
  } finally {
    await session.run('rollback').catch(() => undefined);
  }
}
