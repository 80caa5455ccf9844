import { rmSync } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { EngineSession, ExportTarget } from '../../core/ports/engine.ts';
import { CELL_CHARS_MAX, SHEET_COLUMNS_MAX, SHEET_ROWS_MAX } from '../../core/ports/workbook.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { rowJson } from '../changes/row-json.ts';
import type { Rooms } from '../rooms.ts';
import { csvSql, titleText } from './cell-text.ts';
import { defineRows, type ExportSource } from './export-tables.ts';
import type { ExportTo } from './export-target.ts';
import type { ExportFormat } from './formats.ts';
import type { ExportedTable } from './manifest.ts';
import { exactSql, lengthSql, sheetRowsSql } from './sheet-cells.ts';

/** A file with what goes into it. */
export interface PlannedFile {
  readonly file: string;
  readonly sources: readonly { readonly source: ExportSource; readonly sheet?: string }[];
}

/** One file a table, or one workbook with a sheet a table. @throws DataflowError E_USAGE for several tables in a file of another kind. */
export function planFiles(to: ExportTo, sources: readonly ExportSource[]): readonly PlannedFile[] {
  const { file, format } = to;
  if (file === undefined)
    return sources.map((source) => ({
      file: `${source.table}.${format}`,
      sources: [format === 'xlsx' ? { source, sheet: sheetNames([source])[0] ?? source.table } : { source }],
    }));
  if (format === 'xlsx') {
    const names = sheetNames(sources);
    return [{ file, sources: sources.map((source, index) => ({ source, sheet: names[index] ?? source.table })) }];
  }
  const [source] = sources;
  if (source !== undefined && sources.length === 1) return [{ file, sources: [{ source }] }];
  throw new DataflowError('E_USAGE', `${sources.length} tables do not go into one file of ${format}`, {
    hint: `Name a folder with --as ${format}, or a file that ends in .xlsx, which has a sheet a table.`,
  });
}

const SHEET_NAME_CHARS = 31;

/** Sheets have short names, which are compared without case. */
function sheetNames(sources: readonly ExportSource[]): readonly string[] {
  const used = new Set<string>();
  return sources.map(({ table }) => {
    let name = table.slice(0, SHEET_NAME_CHARS);
    for (let n = 2; used.has(name.toLowerCase()); n += 1) {
      const end = `~${n}`;
      name = table.slice(0, SHEET_NAME_CHARS - end.length) + end;
    }
    used.add(name.toLowerCase());
    return name;
  });
}

const INSTEAD = 'Export it as csv or parquet, or fewer rows of it with --query.';

/** What can be told before anything is written. @throws DataflowError E_EXPORT_LIMIT. */
export function refuseTooLong(to: ExportTo, sources: readonly ExportSource[]): void {
  if (to.format !== 'xlsx') return;
  for (const { table, snapshots, query } of sources)
    if (query === undefined) refuseRows(table, snapshots[table]?.rows ?? 0, snapshots[table]?.columns ?? []);
}

function refuseRows(table: string, rows: number, columns: readonly Column[]): void {
  if (rows >= SHEET_ROWS_MAX)
    throw new DataflowError(
      'E_EXPORT_LIMIT',
      `${table} has ${rows.toLocaleString('en')} rows, and a sheet holds ${(SHEET_ROWS_MAX - 1).toLocaleString('en')} below its titles`,
      { hint: INSTEAD },
    );
  if (columns.length > SHEET_COLUMNS_MAX)
    throw new DataflowError(
      'E_EXPORT_LIMIT',
      `${table} has ${columns.length} columns, and a sheet ${SHEET_COLUMNS_MAX}`,
      { hint: INSTEAD },
    );
}

/** Writes the rows of a source; of a workbook, the rows of one sheet. */
export async function writeTable(
  session: EngineSession,
  source: ExportSource,
  target: { readonly path: string; readonly format: ExportFormat; readonly formula_safe: boolean },
): Promise<Pick<ExportedTable, 'rows' | 'columns' | 'as_text'>> {
  const { path, format, formula_safe } = target;
  const found = await defineRows(session, source);
  const columns = Object.fromEntries(found.map((column) => [column.name, column.kept_as ?? column.type]));
  const gzip: Pick<ExportTarget, 'uri' | 'compression'> = {
    uri: path,
    compression: format.endsWith('.gz') ? 'gzip' : 'none',
  };
  switch (format) {
    case 'csv':
    case 'csv.gz':
      return {
        rows: await session.exportFile(csvSql(found, 'rows_out', formula_safe), { ...gzip, format: 'csv' }),
        columns,
      };
    case 'ndjson':
    case 'ndjson.gz':
      return {
        rows: await session.exportFile(`select ${rowJson(found, 'r')} as "row" from rows_out r`, {
          ...gzip,
          format: 'lines',
        }),
        columns,
      };
    case 'parquet':
      return { rows: await session.exportFile('select * from rows_out', { ...gzip, format: 'parquet' }), columns };
    default: {
      const as_text = await inspectCells(session, source.table, found, formula_safe);
      const rows = await session.exportFile(sheetRowsSql(found, 'rows_out', formula_safe), {
        ...gzip,
        format: 'lines',
      });
      return { rows, columns, ...(Object.keys(as_text).length === 0 ? {} : { as_text }) };
    }
  }
}

/** Counts the numbers and dates that a cell could not hold. @throws DataflowError E_EXPORT_LIMIT for too many rows, or a text that is too long. */
async function inspectCells(
  session: EngineSession,
  table: string,
  columns: readonly Column[],
  formula_safe: boolean,
): Promise<Readonly<Record<string, number>>> {
  const asked = columns.flatMap((column, index) => {
    const exact = exactSql(column);
    const length = lengthSql(column, formula_safe);
    return [
      ...(exact === undefined
        ? []
        : [`count(*) filter (where ${quoteIdent(column.name)} is not null and not (${exact})) as t${index}`]),
      ...(length === undefined ? [] : [`max(${length}) as l${index}`]),
    ];
  });
  const [row = {}] = await session.rows(`select ${['count(*) as n', ...asked].join(', ')} from rows_out`);
  refuseRows(table, Number(row['n'] ?? 0), columns);
  const as_text: Record<string, number> = {};
  for (const [index, { name }] of columns.entries()) {
    const count = Number(row[`t${index}`] ?? 0);
    if (count > 0) as_text[name] = count;
    if (Number(row[`l${index}`] ?? 0) > CELL_CHARS_MAX)
      throw new DataflowError(
        'E_EXPORT_LIMIT',
        `${table}.${name} has a text of ${Number(row[`l${index}`]).toLocaleString('en')} characters, and a cell holds ${CELL_CHARS_MAX.toLocaleString('en')}`,
        { hint: INSTEAD },
      );
  }
  return as_text;
}

/** Puts the sheets together that were written beside it. */
export async function writeWorkbookFile(
  rooms: Rooms,
  path: string,
  tables: readonly ExportedTable[],
  formula_safe: boolean,
): Promise<void> {
  const sheets = tables.map(({ table, sheet, columns }, index) => ({
    name: sheet ?? table,
    header: Object.keys(columns).map((name) => titleText(name, formula_safe)),
    rows_file: `${path}.${index}`,
  }));
  await (await rooms.workbooks())(path, sheets);
  for (const { rows_file } of sheets) rmSync(rows_file);
}
