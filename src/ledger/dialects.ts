import type { CsvDialect } from '../core/ports/engine.ts';
import { integer, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

export function putDialect(connection: Connection, source: string, dialect: CsvDialect, run_id: string): void {
  connection.run(
    `insert into dialects (source, delimiter, quote_char, escape_char, has_header, skip_lines, run_id) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (source) do update set delimiter = excluded.delimiter, quote_char = excluded.quote_char, escape_char = excluded.escape_char,
       has_header = excluded.has_header, skip_lines = excluded.skip_lines, run_id = excluded.run_id`,
    source,
    dialect.delimiter,
    dialect.quote,
    dialect.escape,
    dialect.has_header ? 1 : 0,
    dialect.skip_lines,
    run_id,
  );
  connection.run(
    `insert into dialect_history (source, delimiter, quote_char, escape_char, has_header, skip_lines, run_id)
     select source, delimiter, quote_char, escape_char, has_header, skip_lines, run_id from dialects where source = ?`,
    source,
  );
}

export function forgetDialect(connection: Connection, source: string): void {
  connection.run('delete from dialects where source = ?', source);
}

export function dialectOf(connection: Connection, source: string): CsvDialect | undefined {
  const row = connection.get('select * from dialects where source = ?', source);
  return row === undefined ? undefined : dialectIn(row);
}

export function dialectIn(row: SqlRow): CsvDialect {
  return {
    delimiter: text(row, 'delimiter'),
    quote: text(row, 'quote_char'),
    escape: text(row, 'escape_char'),
    has_header: integer(row, 'has_header') === 1,
    skip_lines: integer(row, 'skip_lines'),
  };
}
