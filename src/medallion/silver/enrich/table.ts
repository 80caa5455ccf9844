import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { TableEnrich } from '../../../core/model/enrich.ts';
import type { EngineColumn, EngineSession } from '../../../core/ports/engine.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { qualified, requireColumns, type SilverStep } from '../sql.ts';
import type { LookupSource } from './typed.ts';

const SHOWN_MAX = 5;

/**
 * The rows of a lookup table that have a whole key.
 * @throws DataflowError E_LOOKUP_AMBIGUOUS when two of them have the same, E_CONFIG_REFERENCE for columns that are not there or cannot be compared.
 */
export async function tableSource(
  step: SilverStep,
  session: EngineSession,
  spec: TableEnrich,
  columns: readonly EngineColumn[],
): Promise<LookupSource> {
  const { name, table, on, add } = spec;
  const own = await session.describe(`select * from ${qualified(table)}`);
  const wanted = [...Object.values(on), ...Object.values(add).map(({ from }) => from)];
  requireColumns(step, wanted, own, `${name}: ${table}`);
  for (const [column, other] of Object.entries(on)) refuseOtherKind(step, spec, [column, columns], [other, own]);
  const keys = Object.values(on).map(quoteIdent);
  const whole = keys.map((key) => `${key} is not null`).join(' and ');
  const twice = await session.rows(
    `select concat_ws(', ', ${keys.map((key) => `cast(${key} as varchar)`).join(', ')}) as k, count(*) as n, count(*) over () as keys
     from ${qualified(table)} where ${whole} group by ${keys.join(', ')} having count(*) > 1 order by 1 limit ${SHOWN_MAX}`,
  );
  const [first] = twice;
  if (first !== undefined) {
    const shown = twice.map((row) => String(row['k'])).join('; ');
    const keys_twice = Number(first['keys']);
    const more = keys_twice > twice.length ? '; …' : '';
    throw new DataflowError(
      'E_LOOKUP_AMBIGUOUS',
      `${step.node.key}: ${name}: ${table} has several rows for ${keys_twice === 1 ? 'one value' : `${keys_twice.toLocaleString('en')} values`} of ${Object.values(on).join(', ')}: ${shown}${more}`,
    );
  }
  return {
    from: `${qualified(table)} where ${whole}`,
    keys,
    value: quoteIdent,
    failed: 'cast(null as varchar)',
  };
}

type Side = readonly [string, readonly EngineColumn[]];

/** Text and numbers are compared as the engine sees fit, which is seldom as people do: `'01'` and 1. */
function refuseOtherKind(step: SilverStep, { name, table }: TableEnrich, one: Side, other: Side): void {
  const typeOf = ([column, columns]: Side): string =>
    columns.find((found) => found.name.toLowerCase() === column.toLowerCase())?.type ?? '';
  const [type, other_type] = [typeOf(one), typeOf(other)];
  if ((type === 'varchar') === (other_type === 'varchar')) return;
  throw new DataflowError(
    'E_CONFIG_REFERENCE',
    `${step.node.key}: ${name}: ${one[0]} is ${type}, and ${table}.${other[0]} is ${other_type}`,
    {
      place: { file: step.run.project.config_file },
      hint: `Cast one of them in its \`select:\`, such as ${one[0]}: cast(${one[0]} as ${other_type}).`,
    },
  );
}
