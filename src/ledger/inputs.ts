import type { InputRecord } from '../core/ports/ledger.ts';
import type { KnownInput } from '../core/ports/source.ts';
import { integer, optional, optionalInteger, optionalText, text, word } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

const STATUSES: readonly KnownInput['status'][] = ['loaded', 'duplicate', 'quarantined', 'removed'];

const COLUMNS = `i.source, i.path, i.size_bytes, i.mtime_ns, i.inode, i.sha256, i.status, h.run_id, h.records, h.rejected,
  h.version, h.same_as, h.reason, h.first_record_line, h.multiline_records, h.record_lines`;
const SELECT = `select ${COLUMNS} from inputs i join input_history h on h.seq = i.history_seq`;

/** Names the index: SQLite, which keeps no statistics here, would otherwise read the whole source. */
const BY_CONTENT = `select ${COLUMNS} from inputs i indexed by inputs_by_content join input_history h on h.seq = i.history_seq
  where i.source = ? and i.sha256 = ? and i.status = 'loaded' order by i.path limit 1`;

/**
 * Remembers units of input. A unit that comes again with the bytes that are loaded under its name was only touched or moved:
 * its new size, time and inode are taken, what was recorded when it was loaded stays.
 * Returns the paths whose content is new here, so that earlier findings about them no longer count.
 */
export function putInputs(connection: Connection, inputs: readonly InputRecord[]): readonly string[] {
  const renewed: string[] = [];
  const unseen = sourcesWithout(connection, inputs, 'inputs');
  const unmarked = sourcesWithout(connection, inputs, 'undone_inputs');
  for (const input of inputs) {
    const row = unseen.has(input.source)
      ? undefined
      : connection.get(`${SELECT} where i.source = ? and i.path = ?`, input.source, input.path);
    const before = row === undefined ? undefined : inputOf(row);
    const known = before?.status === 'loaded' && input.status === 'loaded' && before.sha256 === input.sha256;
    const touched = known && !isAnew(before, input);
    if (touched && !unmarked.has(input.source)) forgetMarks(connection, input);
    if (touched && sameStat(before, input)) continue;
    const { size_bytes, mtime_ns, inode } = input;
    if (touched) {
      const sql = 'update inputs set size_bytes = ?, mtime_ns = ?, inode = ? where source = ? and path = ?';
      connection.run(sql, size_bytes, mtime_ns, inode, input.source, input.path);
      continue;
    }
    if (!unmarked.has(input.source)) forgetUndone(connection, input);
    write(connection, input);
    // A duplicate of nothing is an archive that was opened: what was said of it before is over.
    if (input.status !== 'duplicate' || input.same_as === undefined) renewed.push(input.path);
  }
  return renewed;
}

/** The versions of a table that was lost and made anew begin again: what is recorded of a unit is not of this table. */
function isAnew(before: InputRecord, input: InputRecord): boolean {
  return before.version !== undefined && input.version !== undefined && input.version < before.version;
}

/** A unit that was undone is taken again; or the file of its name is another one now. */
function forgetUndone(connection: Connection, input: InputRecord): void {
  const { source, path, sha256 } = input;
  connection.run('delete from undone_inputs where source = ? and path = ? and sha256 = ?', source, path, sha256);
  forgetMarks(connection, input);
}

/** What lies under this name is not what was undone: what that looked like says nothing any more, and would have the file looked at in every run. */
function forgetMarks(connection: Connection, { source, path }: InputRecord): void {
  connection.run(`update undone_inputs set mtime_ns = '' where source = ? and path = ?`, source, path);
}

/** Sources of which a table holds nothing: the first load of one, the largest, needs no look at what was there. */
function sourcesWithout(
  connection: Connection,
  inputs: readonly InputRecord[],
  table: 'inputs' | 'undone_inputs',
): ReadonlySet<string> {
  const sources = [...new Set(inputs.map((input) => input.source))];
  const known = `select 1 as found from ${table} where source = ? limit 1`;
  return new Set(sources.filter((source) => connection.get(known, source) === undefined));
}

function sameStat(a: KnownInput, b: KnownInput): boolean {
  return a.size_bytes === b.size_bytes && a.mtime_ns === b.mtime_ns && a.inode === b.inode;
}

function write(connection: Connection, input: InputRecord): void {
  const history_seq = connection.run(
    `insert into input_history (source, path, size_bytes, sha256, status, run_id, records, rejected, version, same_as, reason, first_record_line, multiline_records, record_lines)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    input.source,
    input.path,
    input.size_bytes,
    input.sha256,
    input.status,
    input.run_id,
    input.records,
    input.rejected,
    input.version ?? null,
    input.same_as ?? null,
    input.reason ?? null,
    input.first_record_line,
    input.multiline_records ? 1 : 0,
    input.record_lines ?? null,
  );
  putInput(connection, input, history_seq);
}

function putInput(connection: Connection, input: InputRecord, history_seq: number): void {
  connection.run(
    `insert into inputs (source, path, size_bytes, mtime_ns, inode, sha256, status, history_seq) values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (source, path) do update set size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns, inode = excluded.inode,
       sha256 = excluded.sha256, status = excluded.status, history_seq = excluded.history_seq`,
    input.source,
    input.path,
    input.size_bytes,
    input.mtime_ns,
    input.inode,
    input.sha256,
    input.status,
    history_seq,
  );
}

/** Everything of a source was replaced: its units are history. */
export function forgetInputs(connection: Connection, source: string): void {
  connection.run('delete from inputs where source = ?', source);
}

/** A unit is known again as it was recorded once: its own history row counts, no new one is written unless that is lost. */
export function pointInputTo(connection: Connection, input: InputRecord): void {
  const row = connection.get(
    'select seq from input_history where source = ? and path = ? and sha256 = ? and run_id = ? and status = ? order by seq desc limit 1',
    input.source,
    input.path,
    input.sha256,
    input.run_id,
    input.status,
  );
  if (row === undefined) write(connection, input);
  else putInput(connection, input, integer(row, 'seq'));
}

export const HISTORY_COLUMNS =
  'source, path, size_bytes, sha256, status, run_id, records, rejected, version, same_as, reason, first_record_line, multiline_records, record_lines';

/** What the history tells; when the file was written and its inode are not in it. */
export function historyInput(row: SqlRow): InputRecord {
  return inputOf({ ...row, mtime_ns: UNKNOWN_STAT, inode: UNKNOWN_STAT });
}

/** No file has this time and inode, so that it is looked at again. */
const UNKNOWN_STAT = '0';

/** Rows that one JSON text carries: bounds the memory for a source with millions of files. */
const KNOWN_ROWS_MAX = 50_000;

/** A flat list, six values a row. */
const KNOWN = `select '[' || coalesce(group_concat(json_quote(path) || ',' || size_bytes || ',' || json_quote(mtime_ns) || ',' ||
    json_quote(inode) || ',' || json_quote(sha256) || ',' || json_quote(status)), '') || ']' as cells
  from (select * from inputs where source = ? and path > ? order by path limit ${KNOWN_ROWS_MAX})`;

/**
 * All known units of a source. The rows come as one JSON text per 50,000: measured half the time of row objects, since each
 * cell would otherwise cross from C++ alone.
 */
export function knownInputs(connection: Connection, source: string): ReadonlyMap<string, KnownInput> {
  const known = new Map<string, KnownInput>();
  let after = '';
  for (;;) {
    const json = text(connection.get(KNOWN, source, after) ?? {}, 'cells');
    const cells = JSON.parse(json) as (string | number)[];
    for (let i = 0; i < cells.length; i += 6) {
      const path = cells[i] as string;
      known.set(path, {
        path,
        size_bytes: cells[i + 1] as number,
        mtime_ns: cells[i + 2] as string,
        inode: cells[i + 3] as string,
        sha256: cells[i + 4] as string,
        status: cells[i + 5] as KnownInput['status'],
      });
      after = path;
    }
    if (cells.length < KNOWN_ROWS_MAX * 6) return known;
  }
}

export function allInputs(connection: Connection, source: string | undefined): readonly InputRecord[] {
  const rows =
    source === undefined
      ? connection.all(`${SELECT} order by i.source, i.path`)
      : connection.all(`${SELECT} where i.source = ? order by i.path`, source);
  return rows.map(inputOf);
}

export function inputTotals(
  connection: Connection,
  source: string,
): { readonly records: number; readonly size_bytes: number } {
  const row = connection.get(
    `select coalesce(sum(h.records), 0) as records, coalesce(sum(i.size_bytes), 0) as size_bytes
     from inputs i join input_history h on h.seq = i.history_seq where i.source = ? and h.records > 0`,
    source,
  );
  return { records: integer(row ?? {}, 'records'), size_bytes: integer(row ?? {}, 'size_bytes') };
}

export function refusedInputs(connection: Connection, run_id: string): number {
  const sql = `select count(*) as n from inputs i join input_history h on h.seq = i.history_seq
    where i.status = 'quarantined' and h.run_id = ?`;
  return integer(connection.get(sql, run_id) ?? {}, 'n');
}

export function inputByHash(connection: Connection, source: string, sha256: string): InputRecord | undefined {
  const row = connection.get(BY_CONTENT, source, sha256);
  return row === undefined ? undefined : inputOf(row);
}

function inputOf(row: SqlRow): InputRecord {
  return {
    source: text(row, 'source'),
    path: text(row, 'path'),
    size_bytes: integer(row, 'size_bytes'),
    mtime_ns: text(row, 'mtime_ns'),
    inode: text(row, 'inode'),
    sha256: text(row, 'sha256'),
    status: word(row, 'status', STATUSES),
    run_id: text(row, 'run_id'),
    records: integer(row, 'records'),
    rejected: integer(row, 'rejected'),
    ...optional('version', optionalInteger(row, 'version')),
    ...optional('same_as', optionalText(row, 'same_as')),
    ...optional('reason', optionalText(row, 'reason')),
    first_record_line: integer(row, 'first_record_line'),
    multiline_records: integer(row, 'multiline_records') === 1,
    ...optional('record_lines', optionalText(row, 'record_lines')),
  };
}
