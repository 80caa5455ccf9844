import { writeFileSync } from 'node:fs';
import { MISHAPS_END, mishapsBegin, mishapTables, PAGE, reliabilityPage, soakLines } from './page.ts';

/** What mishaps at one kind of request led to. */
export interface FarFaultRow {
  readonly system: string;
  readonly request: string;
  /** One a column. */
  readonly cells: readonly string[];
}

const HEAD = `| request | 503 | 429 | 500 | error in a 200 | reset | no answer | cut answer | reset each time |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`;

/** The table of a system as docs/reliability.md has it. */
export function farTable(system: string): string {
  return mishapTables().get(system) ?? '';
}

export function farTableOf(rows: readonly FarFaultRow[]): string {
  const lines = rows.map(({ request, cells }) => `| ${request} | ${cells.join(' | ')} |`);
  return [mishapsBegin(rows[0]?.system ?? ''), HEAD, ...lines, MISHAPS_END].join('\n');
}

/** Puts the table of one system into docs/reliability.md in place of its last one. */
export function writeFarTable(system: string, table: string): void {
  writeFileSync(PAGE, reliabilityPage(soakLines(), undefined, new Map([...mishapTables(), [system, table]])));
}
