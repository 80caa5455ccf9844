import { looksIntoTable } from '../../../core/model/enrich.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { relationOf } from '../../context.ts';
import { countOf } from '../candidate.ts';
import { qualified, type SilverStep } from '../sql.ts';

/**
 * True when the rows that are published would find in the table today what they found in its version `from`: no value of a key changed or
 * went away, and no row was published without one that may be there now. A key that occurs twice is for the whole computation to refuse.
 */
export async function answersSame(step: SilverStep, table: string, from: number, input: Snapshot): Promise<boolean> {
  const specs = (step.node.spec.enrich ?? []).filter(looksIntoTable).filter((spec) => spec.table === table);
  if (specs.length === 0) return true;
  if (specs.some(({ on_failure }) => on_failure === 'keep')) return false;
  const { removed, schema_changed } = await step.run.lake.changes(input.table, from, input.version);
  if (schema_changed) return false;
  const session = await step.run.openSession(`${step.run.run_id}/${step.node.key}/lookups`);
  try {
    await session.bind(relationOf(input, table));
    await session.bind({ ...relationOf(input, 'gone'), files: removed });
    for (const { on, add } of specs) {
      const keys = Object.values(on).map(quoteIdent);
      const values = [...keys, ...Object.values(add).map((added) => quoteIdent(added.from))].join(', ');
      if (await anyOf(session, table, keys, values)) return false;
    }
    return true;
  } finally {
    await session.close();
  }
}

/** Rows that are gone and have no equal today, or keys that occur twice. */
async function anyOf(session: EngineSession, table: string, keys: readonly string[], values: string): Promise<boolean> {
  const whole = keys.map((key) => `${key} is not null`).join(' and ');
  const lost = `(select ${values} from gone where ${whole} except select ${values} from ${qualified(table)})`;
  if ((await countOf(session, lost)) > 0) return true;
  const twice = `(select 1 from ${qualified(table)} where ${whole} group by ${keys.join(', ')} having count(*) > 1)`;
  return (await countOf(session, twice)) > 0;
}
