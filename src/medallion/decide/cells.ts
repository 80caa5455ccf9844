import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { memberSql } from '../silver/sql.ts';

/**
 * Defines `cells`: the records of `matched` taken apart into texts, `_id`, `_raw` and `_apart` (false: it could not be done) beside them. `apart` names a relation (`_id` and columns) of
 * records that are no JSON objects and were taken apart elsewhere. Whole files are left out.
 */
export async function defineCells(
  session: EngineSession,
  columns: readonly string[],
  apart: string | undefined,
): Promise<void> {
  const json = columns.map((name) => {
    const from_json = `case when _json then ${memberSql('raw', name)} end`;
    const value = apart === undefined ? from_json : `coalesce(${from_json}, a.${quoteIdent(name)})`;
    return `${value} as ${quoteIdent(name)}`;
  });
  const join = apart === undefined ? '' : ` left join ${apart} a on a._id = m.quarantine_id`;
  await session.materialize(
    'cells',
    `select ${['quarantine_id as _id', 'raw as _raw', `(_json${apart === undefined ? '' : ' or a._id is not null'}) as _apart`, ...json].join(', ')}
     from (select *, starts_with(trim(raw), '{') and json_valid(raw) as _json from matched where raw is not null) m${join}`,
  );
}

/** SQL text: all cells of a record as JSON of texts; `cellOf` gives each. */
export function cellsJson(columns: readonly string[], cellOf: (name: string) => string): string {
  const members = columns.flatMap((name) => [quoteText(name), `cast(${cellOf(name)} as varchar)`]);
  return members.length === 0 ? "'{}'" : `cast(json_object(${members.join(', ')}) as varchar)`;
}

/** SQL text: a cell as it is now, an earlier correction counted. `c` is the row of `cells`, `m` that of `matched`. */
export function presentCell(name: string): string {
  return `case when m.mended_before is null then c.${quoteIdent(name)} else ${memberSql('m.mended_before', name)} end`;
}
