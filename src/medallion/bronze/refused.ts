import { type EngineSession, REJECT_COLUMNS } from '../../core/ports/engine.ts';
import type { InputRecord, QuarantineCount } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { type QuarantineChange, quarantineSql, stageQuarantine } from '../quarantine.ts';
import { type Intake, inputRecord } from './intake.ts';
import type { Parsed } from './parsed.ts';
import { rejectRuleSql, UNREADABLE } from './record-rules.ts';
import type { BronzeStep } from './step.ts';

/** A unit refused as a whole, in the words of the quarantine. */
export interface RefusedUnit {
  readonly record: InputRecord;
  readonly rule: string;
  readonly reason: string;
  readonly line: number | undefined;
  readonly byte_offset: number | undefined;
}

/** Units refused before and after parsing. */
export function refusedUnits(step: BronzeStep, intake: Intake, parsed: Parsed): readonly RefusedUnit[] {
  const early = intake.refused.map(({ unit, inspection, problem }) => ({
    record: { ...inputRecord(step, unit, inspection, 'quarantined'), reason: problem.reason },
    rule: problem.rule,
    reason: problem.reason,
    line: problem.line,
    byte_offset: problem.byte_offset,
  }));
  const late = parsed.unfit.map(({ accepted, rule, reason }) => ({
    record: { ...inputRecord(step, accepted.unit, accepted.inspection, 'quarantined'), reason },
    rule,
    reason,
    line: undefined,
    byte_offset: undefined,
  }));
  return [...early, ...late];
}

/** A link, a device, a file over a limit: refused before it was opened; remembered, so that it is told once. */
export function barredUnit(step: BronzeStep, one: Intake['discovery']['refused'][number]): RefusedUnit {
  const record: InputRecord = {
    source: step.node.name,
    path: one.path,
    size_bytes: 0,
    mtime_ns: '0',
    inode: '0',
    sha256: '',
    status: 'quarantined',
    run_id: step.run.run_id,
    records: 0,
    rejected: 0,
    first_record_line: 1,
    multiline_records: false,
    reason: one.reason,
  };
  return { record, rule: one.code, reason: one.reason, line: undefined, byte_offset: undefined };
}

/** What a source that is asked adds. */
export interface MoreRejects {
  /** Queries of further rejected records. */
  readonly parts?: readonly string[];
  readonly counts?: readonly { readonly rule: string; readonly file: string; readonly rows: number }[];
  /** Which earlier entries go, instead of those of the same files. */
  readonly drop?: 'none' | 'all' | string;
}

/** Rejected records and refused files become rows of the quarantine; what an earlier attempt or an earlier content of the same file left there goes, and so does what files left that are gone. */
export async function stageRejects(
  step: BronzeStep,
  session: EngineSession,
  parsed: Parsed,
  refused: readonly RefusedUnit[],
  gone: readonly string[],
  more: MoreRejects = {},
): Promise<{ change: QuarantineChange; counts: readonly QuarantineCount[] }> {
  const table = { layer: 'bronze' as const, name: step.node.name };
  await session.bind({ name: 'rejects', columns: REJECT_COLUMNS, files: parsed.rejects });
  const parts: string[] = [];
  if (parsed.rejects.length > 0) {
    parts.push(
      quarantineSql(step.run, table, {
        from: `(select *, case when line is null and byte_offset is null then row_number() over (partition by file, raw order by error) end as _twin from rejects)`,
        // The line says which record it is: whether the reader tells the offset beside it depends on the other cells of the file. A record without a place is told
        // from others by its content.
        identity: `file || '|' || coalesce(line, -1) || '|' || case when line is null then coalesce(byte_offset, -1) else -1 end || coalesce('|' || raw || '|' || _twin, '')`,
        rule: rejectRuleSql(step.node.spec.checks, 'error'),
        reason: 'error',
        column_name: 'column_name',
        file: 'file',
        line: 'line',
        byte_offset: 'byte_offset',
        raw: 'raw',
        layout: layoutSql(parsed),
        origin: quoteText(`source.${step.node.name}`),
      }),
    );
  }
  for (const one of refused) {
    parts.push(
      quarantineSql(step.run, table, {
        from: '(select 1)',
        identity: `${quoteText(`${one.record.path}|file|${one.record.sha256}`)}`,
        rule: quoteText(one.rule),
        reason: quoteText(one.reason.replaceAll('\0', '\\0')),
        file: quoteText(one.record.path),
        line: one.line === undefined ? 'null' : String(one.line),
        byte_offset: one.byte_offset === undefined ? 'null' : String(one.byte_offset),
        origin: quoteText(`source.${step.node.name}`),
      }),
    );
  }
  parts.push(...(more.parts ?? []));
  const again = [
    ...parsed.loaded.map((one) => one.accepted.unit.path),
    ...refused.map((one) => one.record.path),
    ...gone,
  ];
  const change = await stageQuarantine(
    step,
    session,
    parts.length === 0 ? undefined : parts.join(' union all '),
    more.drop ?? `file in (${again.map(quoteText).join(', ')})`,
  );
  const rejected = await rejectedByRule(session, step, parsed);
  const files = refused.map((one) => ({ rule: one.rule, file: one.record.path, rows: 1 }));
  return {
    change,
    counts: [...rejected, ...files, ...(more.counts ?? [])].map((one) => ({
      run_id: step.run.run_id,
      table: step.node.key,
      ...one,
    })),
  };
}

/** Rejected records by rule and file; the rules are asked for only where there are several. */
async function rejectedByRule(
  session: EngineSession,
  { node }: Pick<BronzeStep, 'node'>,
  { loaded, rejects }: Parsed,
): Promise<readonly { readonly rule: string; readonly file: string; readonly rows: number }[]> {
  const { checks } = node.spec;
  if (checks === undefined || rejects.length === 0)
    return loaded
      .filter((one) => one.rejected > 0)
      .map((one) => ({ rule: UNREADABLE, file: one.accepted.unit.path, rows: one.rejected }));
  const sql = `select ${rejectRuleSql(checks, 'error')} as rule, file, count(*) as n from rejects group by all order by all`;
  const rows = await session.rows(sql, { rows_max: 1_000_000 });
  return rows.map((row) => ({ rule: String(row['rule']), file: String(row['file']), rows: Number(row['n']) }));
}

/** SQL text: how the records of `file` are written, so that a rejected one can be read again without its file. */
function layoutSql(parsed: Parsed): string {
  const files = new Map<string, string[]>();
  for (const { accepted, rejected } of parsed.loaded) {
    if (rejected === 0) continue;
    const { dialect, header } = accepted.inspection;
    const layout = JSON.stringify({ format: accepted.unit.format, dialect, header });
    files.set(layout, [...(files.get(layout) ?? []), accepted.unit.path]);
  }
  const drift = `when line is null and byte_offset is null and raw is not null then '{"format":"drift"}'`;
  const cases = [...files].map(
    ([layout, paths]) => `when file in (${paths.map(quoteText).join(', ')}) then ${quoteText(layout)}`,
  );
  return `case ${[drift, ...cases].join(' ')} end`;
}
