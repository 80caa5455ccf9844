import { expect } from 'vitest';
import type { TableParity } from '../../src/core/model/parity.ts';
import type { BuiltProgram } from './built-program.ts';

/**
 * Every silver and gold table of a project that has run gives the same rows on Spark: rows that broke a rule, too. The program has to have `SPARK_REMOTE`.
 * @returns the tables.
 */
export async function expectParity(program: BuiltProgram, ...more: readonly string[]): Promise<readonly TableParity[]> {
  const { code, stdout, stderr } = await program.run('parity', '--format', 'json', ...more);
  expect(stdout, stderr).toMatch(/^{/);
  const { tables } = JSON.parse(stdout) as { readonly tables: readonly TableParity[] };
  const others = tables.filter(({ result }) => result !== 'equal');
  expect({ code, others }, stderr).toEqual({ code: 0, others: [] });
  return tables;
}
