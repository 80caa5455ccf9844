import { type Column, SOURCE_FILE_COLUMN } from '../../../core/model/table.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import { quoteText } from '../../../kit/sql.ts';
import { quarantineSql } from '../../quarantine.ts';
import type { MoreRejects } from '../refused.ts';
import type { BronzeStep } from '../step.ts';

const COLUMNS: readonly Column[] = ['rule', 'reason', 'place', 'raw'].map((name) => ({
  name,
  type: 'varchar',
  nullable: true,
}));

/** A unit of a batch under its path in the ledger. */
export interface PathedUnit {
  readonly unit: SealedUnit;
  readonly path: string;
}

/** Records that the source could not write down as rows, as rows of the quarantine: `row_key` says where they were. */
export async function unreadableRejects(
  step: BronzeStep,
  session: EngineSession,
  units: readonly PathedUnit[],
): Promise<Required<Pick<MoreRejects, 'parts' | 'counts'>>> {
  const files = units.flatMap(({ unit, path }) =>
    unit.unreadable_uri === undefined ? [] : [{ id: path, uri: unit.unreadable_uri, compression: 'none' as const }],
  );
  if (files.length === 0) return { parts: [], counts: [] };
  const columns = [...COLUMNS, { name: SOURCE_FILE_COLUMN, type: 'varchar', nullable: true }];
  const { run, step_id, node } = step;
  const parsed = await session.parse({
    format: 'ndjson',
    files,
    columns: COLUMNS,
    target: { folder: await run.lake.stage(run.run_id, step_id, 'unreadable'), columns },
    reject_folder: await run.lake.stage(run.run_id, step_id, 'unreadable-rejects'),
  });
  await session.bind({ name: 'unreadable', columns, files: parsed.candidates });
  const rows = await session.rows('select rule, _file, count(*) as n from unreadable group by all order by all', {
    rows_max: 1_000_000,
  });
  return {
    parts: [
      quarantineSql(run, node, {
        from: 'unreadable',
        identity: `_file || '|' || place`,
        rule: 'rule',
        reason: `place || ': ' || reason`,
        file: '_file',
        raw: 'raw',
        row_key: 'place',
        origin: quoteText(`source.${node.name}`),
        layout: quoteText(layoutText(units)),
      }),
    ],
    counts: rows.map((row) => ({ rule: String(row['rule']), file: String(row['_file']), rows: Number(row['n']) })),
  };
}

/** How a corrected text is read: as the readable records of its source are. */
function layoutText(units: readonly PathedUnit[]): string {
  const layout = units[0]?.unit.layout;
  if (layout?.format !== 'csv') return JSON.stringify({ format: 'ndjson' });
  return JSON.stringify({ format: 'csv', dialect: layout.dialect, header: layout.header });
}
