import { testTables } from '../../app/data/test-tables.ts';
import { selectSteps } from '../../app/run/plan-run.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { selectionFrom } from '../shared/selection-flags.ts';
import { countText } from '../shared/sizes.ts';
import { printWrapped } from '../shared/wrapped.ts';

/** Exit 3 when a test of severity `fail` does not pass. */
export async function test(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const checks = await rooms.checks();
  const { graph, selected } = selectSteps(project, checks, selectionFrom(options, args[0]));
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  try {
    const results = await testTables({ project, graph, lake, checks, engine }, selected, signal);
    printer.table({
      columns: [
        { name: 'table' },
        { name: 'test', give_way: true },
        { name: 'passed', title: 'result', format: (value) => (value === true ? 'pass' : 'FAIL') },
        { name: 'severity' },
        { name: 'failures' },
        // A sentence has no room beside the rest in 80 columns.
        ...(printer.format === 'table' ? [] : [{ name: 'message' }]),
      ],
      rows: results.map((result) => ({ ...result })),
      when_empty: 'no test: none of these tables has data and tests',
    });
    for (const { table, test: name, passed, message } of results)
      if (!passed) printWrapped(printer, `  ${table}: ${name}: ${message}`);
    const failed = results.filter((result) => !result.passed && result.severity === 'fail').length;
    const warned = results.filter((result) => !result.passed && result.severity === 'warn').length;
    printer.text('');
    printer.text(
      `${countText(results.length, 'test')}: ${results.length - failed - warned} passed, ${failed} failed, ${warned} warned`,
    );
    return failed > 0 ? 3 : 0;
  } finally {
    await engine.close();
  }
}
