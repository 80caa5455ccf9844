import type { Column } from '../../core/model/table.ts';
import { quarantineOf, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { CandidateFile, EngineSession } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { discardedLines } from '../discarded-lines.ts';
import { lineRunsSql } from '../line-runs.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';
import type { BronzeStep } from './step.ts';

/**
 * Puts the good records of `good_records` into the table where they would have stood had they been good at once: the data files that hold the other
 * rows of their source files are written anew and keep their places. So whoever reads in order of arrival (dedupe, lines) finds them in their turn.
 * Where lines cannot be computed they stand before the other rows of their file; a file without any row in the table comes last.
 */
export async function insertRecords(
  step: BronzeStep,
  session: EngineSession,
  snapshot: Snapshot | undefined,
  columns: readonly Column[],
): Promise<{ readonly add: readonly CandidateFile[]; readonly remove: readonly DataFile[] }> {
  const own = columns.filter((column) => column.name !== SOURCE_FILE_COLUMN).map((column) => quoteIdent(column.name));
  const names = columns.map((column) => (column.name === SOURCE_FILE_COLUMN ? '_file' : quoteIdent(column.name)));
  await session.bind(
    snapshot === undefined
      ? { name: 'published', columns, files: [], with_position: true }
      : { ...relationOf(snapshot, 'published', true), columns },
  );
  await session.materialize(
    'first_rows',
    `select * from (select _file, _part, min(_pos) as first_pos from published where _file in (select file from pending) group by all)
     qualify row_number() over (partition by _file order by _part) = 1`,
  );
  await knownPlaces(step, session);
  await session.materialize(
    'placed',
    `select ${own.map((name) => `g.${name}`).join(', ')}, p.file as _file, r._part, coalesce(p.line, 0) as _line, coalesce(p.byte_offset, 0) as _offset, p.n,
       r.first_pos + greatest(coalesce(s.i + (p.line - s.l) // s.k - (select count(*) from absent a where a.file = p.file and a.line < p.line), 0), 0) - 0.5 as _at
     from good_records g join pending p on p.n = g._mend left join first_rows r on r._file = p.file asof left join source_lines s on s.f = p.file and p.line >= s.l`,
  );
  const order = 'order by _at, _line, _offset, n';
  const select = (relation: string): string => `select ${names.join(', ')} from ${relation}`;
  const parts = await session.rows('select distinct _part as part from placed where _part is not null order by all');
  const add: CandidateFile[] = [];
  const remove: DataFile[] = [];
  for (const part of parts.map((row) => Number(row['part']))) {
    const file = snapshot?.files[part];
    if (file === undefined) continue;
    const rows = `(select ${names.join(', ')}, _pos as _at, 0 as _line, 0 as _offset, 0 as n from published where _part = ${part}
      union all select ${names.join(', ')}, _at, _line, _offset, n from placed where _part = ${part} ${order})`;
    const folder = await step.run.lake.stage(step.run.run_id, step.step_id, `data-mended-${part}`);
    const written = await session.write(select(rows), { folder, columns });
    add.push(...written.map((one) => ({ ...one, in_place_of: file.path })));
    remove.push(file);
  }
  const [late] = await session.rows('select count(*) as n from placed where _part is null');
  if (Number(late?.['n'] ?? 0) > 0) {
    const folder = await step.run.lake.stage(step.run.run_id, step.step_id, 'data-mended-late');
    const rows = `(select * from placed where _part is null order by _file, _line, _offset, n)`;
    add.push(...(await session.write(select(rows), { folder, columns })));
  }
  return { add, remove };
}

/**
 * Defines `source_lines` (where the records of files begin) for files of which that is known, and `absent` (file, line): records of these files that are not in
 * the table yet, since they are rejected, on their way, or discarded.
 */
async function knownPlaces(step: BronzeStep, session: EngineSession): Promise<void> {
  const { run, node } = step;
  const wanted = new Set(
    (await session.rows('select distinct file from pending', { rows_max: 1_000_000 })).map((row) =>
      String(row['file']),
    ),
  );
  const inputs = run.ledger.inputs(node.name).filter((input) => wanted.has(input.path));
  await session.materialize('source_lines', lineRunsSql(inputs));
  const open = await run.lake.snapshot(quarantineOf(node));
  await session.bind({
    name: 'absent_rejects',
    columns: QUARANTINE_COLUMNS,
    files: open?.files ?? [],
  });
  await session.materialize(
    'absent_open',
    `select file as f, line as l from absent_rejects where raw is not null union all
     select file as f, line as l from pending where quarantine_id not in (select quarantine_id from absent_rejects)`,
  );
  const discarded = await discardedLines(run.lake, session, node, { inputs, open: 'absent_open', prefix: 'absent' });
  const also = discarded === undefined ? '' : ` union select * from ${discarded}`;
  await session.materialize(
    'absent',
    `select distinct f as file, l as line from (select * from absent_open${also}) where l is not null`,
  );
}
