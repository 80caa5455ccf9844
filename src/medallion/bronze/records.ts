import { randomInt } from 'node:crypto';
import type { RecordCheck } from '../../core/model/record-check.ts';
import type { Column } from '../../core/model/table.ts';
import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import { type CandidateFile, type CsvDialect, type EngineSession, REJECT_COLUMNS } from '../../core/ports/engine.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';

/** How the records of a file are written, as the quarantine keeps it. `drift`: JSON of a row whose file had undeclared columns. */
interface Layout {
  readonly format?: 'csv' | 'ndjson' | 'json' | 'parquet' | 'drift';
  readonly dialect?: CsvDialect;
  readonly header?: readonly string[];
}

export interface RecordPlaces {
  /** A fresh folder for files of the engine. */
  folder(part: string): Promise<string>;
  /** Local folder for texts. */
  readonly temp_folder: string;
}

/** Number of the record, carried through the parser as a column of its own. */
const NUMBER: Column = { name: '_mend', type: 'bigint', nullable: true };
/** CSV: the number once more at the end, so that a text which holds two records is not taken for one. */
const END: Column = { name: '_mend_end', type: 'bigint', nullable: true };
const DRIFT = 'a column that is not declared has a value (schema_change: discard_row)';
/** The raw text of a longer record was cut when it was rejected. */
const RAW_CHARS_MAX = 65_536;

/** How records are read today. */
export interface RecordOptions {
  /** A record with a value in an undeclared column stays rejected unless it was corrected. */
  readonly drift_stays: boolean;
  /** What is declared of the layout. */
  readonly dialect: Partial<CsvDialect>;
  readonly checks?: readonly RecordCheck[];
}

/**
 * Parses single records from the relation `to_parse` (`n`, `raw`, `mended`, `mended_raw`, `layout`), each under the layout of its file, with these
 * columns. Defines `good_records` (`_mend` and the columns) and `bad_records` (`n`, `reason`, `column_name`): every record is in one of them.
 */
export async function parseRecords(
  session: EngineSession,
  columns: readonly Column[],
  places: RecordPlaces,
  options: RecordOptions,
): Promise<void> {
  // No text can know the numbers that its own and other records will have.
  const base = randomInt(2 ** 40, 2 ** 47);
  await sortOut(session, options.drift_stays, base);
  const own = columns.filter((column) => column.name !== SOURCE_FILE_COLUMN);
  const parsed = new Parts();
  const { checks = [] } = options;
  for (const corrected of checks.length === 0 ? [undefined] : [false, true]) {
    const which = corrected === undefined ? '' : ` and corrected = ${corrected}`;
    const sql = `select text from sorted where kind = 'json'${which} order by n`;
    const uri = await writeTexts(session, places, `json${corrected === true ? '-corrected' : ''}`, sql);
    const asked = checks.filter((check) => corrected !== true || check.corrected_passes !== true);
    if (uri !== undefined) await parsed.add(session, places, { format: 'ndjson', uri, checks: asked }, own);
  }
  const layouts = await session.rows(`select distinct layout from sorted where kind = 'csv' order by all`);
  for (const [index, row] of layouts.entries()) {
    const layout = JSON.parse(String(row['layout'])) as Layout;
    const dialect = { ...layout.dialect, ...options.dialect, has_header: false, skip_lines: 0 } as CsvDialect;
    const delimiter = quoteText(dialect.delimiter);
    const sql = `select n || ${delimiter} || text || ${delimiter} || n from sorted where kind = 'csv' and layout = ${quoteText(String(row['layout']))} order by n`;
    const uri = await writeTexts(session, places, `csv${index}`, sql);
    const header = layout.header ?? own.map((column) => column.name);
    const present = new Set(header.map((name) => name.toLowerCase()));
    const wanted = own.filter((column) => present.has(column.name.toLowerCase()));
    const declared = new Set(own.map((column) => column.name.toLowerCase()));
    const strange = options.drift_stays ? header.filter((name) => !declared.has(name.toLowerCase())) : [];
    if (uri !== undefined) await parsed.add(session, places, { format: 'csv', uri, dialect, header, strange }, wanted);
  }
  await judge(session, parsed, columns, base);
}

/** Defines `sorted` (`n`, `kind`, `text`, `layout`): how each record is to be read; `kind` is a reason in words when it cannot be. */
async function sortOut(session: EngineSession, drift_stays: boolean, base: number): Promise<void> {
  const text = `rtrim(case when mended is not null and mended_raw is null then mended else coalesce(mended_raw, raw) end, chr(13) || chr(10))`;
  const format = `coalesce(json_extract_string(layout, '$.format'), '')`;
  // It would swallow the records behind it.
  const quote = `json_extract_string(layout, '$.dialect.quote')`;
  const unclosed = `(${quote} <> '' and ${quote} = json_extract_string(layout, '$.dialect.escape') and (length(_text) - length(replace(_text, ${quote}, ''))) % 2 = 1)`;
  await session.materialize(
    'sorted',
    `select n, layout, _text, kind, mended is not null or mended_raw is not null as corrected, case when kind = 'json' then '{"${NUMBER.name}":' || n ||
         case when regexp_full_match(_text, '\\s*\\{\\s*\\}\\s*') then '}' else ',' || substr(trim(replace(replace(_text, chr(10), ' '), chr(13), ' '), ' ' || chr(9)), 2) end
       else _text end as text
     from (select *, case
         when length(_text) >= ${RAW_CHARS_MAX} then 'its raw text is too long to be kept whole'
         when mended is not null and mended_raw is null then 'json'
         when ${format} = 'drift' and ${drift_stays} then ${quoteText(DRIFT)}
         when ${format} = 'csv' and ${unclosed} then 'a quoted cell is not closed'
         when ${format} = 'csv' then 'csv'
         when json_valid(_text) and starts_with(trim(_text, ' ' || chr(9) || chr(10) || chr(13)), '{') then 'json'
         when ${format} = '' then 'how its file was laid out is not known'
         else 'not a JSON object' end as kind
       from (select * replace (n + ${base} as n), ${text} as _text from to_parse))`,
  );
}

async function writeTexts(
  session: EngineSession,
  places: RecordPlaces,
  name: string,
  sql: string,
): Promise<string | undefined> {
  // The folder is that of the run: another source may be doing the same at this moment.
  const uri = `${places.temp_folder}/records-${name}-${timeSortedId()}.txt`;
  const lines = await session.exportFile(sql, { uri, format: 'lines', compression: 'none' });
  return lines === 0 ? undefined : uri;
}

/** What the parser gave so far. */
class Parts {
  /** `strange`: condition on a record with a value in an undeclared column, which stays rejected. */
  readonly good: {
    readonly files: readonly CandidateFile[];
    readonly columns: readonly Column[];
    readonly strange: string;
  }[] = [];
  readonly bad: { readonly files: readonly CandidateFile[]; readonly number: string }[] = [];

  async add(
    session: EngineSession,
    places: RecordPlaces,
    text: {
      readonly format: 'csv' | 'ndjson';
      readonly uri: string;
      readonly dialect?: CsvDialect;
      readonly header?: readonly string[];
      readonly strange?: readonly string[];
      readonly checks?: readonly RecordCheck[];
    },
    wanted: readonly Column[],
  ): Promise<void> {
    const { format, uri, dialect, header, strange = [], checks = [] } = text;
    const label = `records-${this.good.length}`;
    const undeclared = strange.map((name): Column => ({ name, type: 'varchar', nullable: true }));
    const columns = [NUMBER, ...wanted, ...undeclared, ...(dialect === undefined ? [] : [END])];
    const origin: Column = { name: SOURCE_FILE_COLUMN, type: 'varchar', nullable: true };
    const result = await session.parse({
      format,
      files: [{ id: 'records', uri, compression: 'none' }],
      ...(dialect === undefined ? {} : { dialect, multiline_records: true }),
      ...(header === undefined ? {} : { header: [NUMBER.name, ...header, END.name] }),
      ...(checks.length === 0 ? {} : { checks }),
      columns,
      target: { folder: await places.folder(`mended-${label}`), columns: [...columns, origin] },
      reject_folder: await places.folder(`mended-rejects-${label}`),
    });
    const values = strange.map((name) => `${quoteIdent(name)} is not null`);
    this.good.push({ files: result.candidates, columns, strange: values.join(' or ') || 'false' });
    const number =
      dialect === undefined
        ? `json_extract_string(case when json_valid(raw) then raw end, '$.${NUMBER.name}')`
        : `split_part(raw, ${quoteText(dialect.delimiter)}, 1)`;
    this.bad.push({ files: result.rejects, number });
  }
}

/** A text may hold more or less than one record: only a number that came through exactly once is good. */
async function judge(session: EngineSession, parsed: Parts, columns: readonly Column[], base: number): Promise<void> {
  const own = columns.filter((column) => column.name !== SOURCE_FILE_COLUMN);
  const names = [NUMBER, ...own].map((column) => quoteIdent(column.name)).join(', ');
  await session.bind({ name: 'no_records', columns: [NUMBER, ...own], files: [] });
  const good = [`select ${names} from no_records`];
  const bad = ['select null::bigint as n, null::varchar as reason, null::varchar as column_name where false'];
  for (const [index, one] of parsed.good.entries()) {
    const has = new Set(one.columns.map((column) => column.name));
    await session.bind({ name: `records_${index}`, columns: one.columns, files: one.files });
    const items = [NUMBER, ...own].map((column) =>
      has.has(column.name) ? quoteIdent(column.name) : `cast(null as ${column.type}) as ${quoteIdent(column.name)}`,
    );
    const whole = has.has(END.name) ? `${NUMBER.name} = ${END.name}` : 'true';
    good.push(`select ${items.join(', ')} from records_${index} where ${whole} and not (${one.strange})`);
    bad.push(
      `select ${NUMBER.name}, ${quoteText(DRIFT)}, null from records_${index} where ${whole} and (${one.strange})`,
    );
  }
  for (const [index, one] of parsed.bad.entries()) {
    await session.bind({ name: `bad_records_${index}`, columns: REJECT_COLUMNS, files: one.files });
    bad.push(`select try_cast(${one.number} as bigint) as n, error as reason, column_name from bad_records_${index}`);
  }
  await session.materialize(
    'good_records',
    `select * replace (${NUMBER.name} - ${base} as ${NUMBER.name}) from (${good.join(' union all ')}) qualify count(*) over (partition by ${NUMBER.name}) = 1 and ${NUMBER.name} in (select n from sorted)`,
  );
  await session.materialize(
    'bad_records',
    `select s.n - ${base} as n, coalesce(any_value(b.reason), case when s.kind in ('csv', 'json') then 'it does not hold exactly one record' else s.kind end) as reason,
       any_value(b.column_name) as column_name
     from sorted s left join (${bad.join(' union all ')}) b on b.n = s.n
     where s.n - ${base} not in (select ${NUMBER.name} from good_records) group by s.n, s.kind`,
  );
}
