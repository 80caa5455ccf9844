import { createHash } from 'node:crypto';
import { quoteText } from '../kit/sql.ts';
import type { DataPlan } from './plan-types.ts';

/**
 * SQL of a pseudo-random ubigint that depends on nothing but the seed, the row and the purpose: so the engine may compute rows in any
 * order and on any number of threads. `purpose` names the use, e.g. `achats.montant`.
 */
export function draw(plan: Pick<DataPlan, 'seed'>, row: string, purpose: string): string {
  const salt = createHash('sha256').update(`${plan.seed}\0${purpose}`).digest().readUInt32BE(0);
  return `hash(${row}, ${salt})`;
}

/** SQL of a number from 0 to `count - 1`. */
export function drawBelow(plan: Pick<DataPlan, 'seed'>, row: string, purpose: string, count: number): string {
  return `(${draw(plan, row, purpose)} % ${count})`;
}

/** SQL that chooses one of the texts. */
export function choose(plan: Pick<DataPlan, 'seed'>, row: string, purpose: string, texts: readonly string[]): string {
  const [only] = texts;
  if (texts.length <= 1) return quoteText(only ?? '');
  return `[${texts.map(quoteText).join(', ')}][1 + ${drawBelow(plan, row, purpose, texts.length)}::integer]`;
}
