import type { SampleShape } from '../../core/contract/pipeline-table.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { textSql } from '../export/cell-text.ts';
import type { InUse } from '../serve/in-use.ts';
import { tableSql } from '../serve/table-request.ts';
import type { Turn } from '../serve/turns.ts';

const CELL_CHARS_MAX = 300;

/** The first rows of a table of the release, as texts. */
export async function sampleOf(use: InUse, turn: Turn, key: string, limit: number): Promise<SampleShape> {
  const snapshot = await use.release.table(key);
  const cells = snapshot.columns.map(
    (column, index) => `left(${textSql(column, false)}, ${CELL_CHARS_MAX}) as ${quoteIdent(`c${index}`)}`,
  );
  const rows = await use.release.tables.rows(
    {
      sql: `select ${cells.join(', ')} from (select * from ${tableSql(key)} limit $_limit) as some_rows`,
      params: { _limit: { type: 'bigint', value: limit } },
      signal: turn.signal,
    },
    limit,
  );
  return {
    release_id: use.release.record.release_id,
    columns: snapshot.columns.map(({ name, type, kept_as }) => ({ name, type: kept_as ?? type })),
    rows: rows.map((row) =>
      snapshot.columns.map((_, index) => {
        const cell = row[`c${index}`];
        return cell === null || cell === undefined ? null : String(cell);
      }),
    ),
    total: snapshot.rows,
  };
}
