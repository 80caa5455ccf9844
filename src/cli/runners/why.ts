import { explain } from '../../app/explain/explain.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { WhyPrinter } from '../shared/why-printing.ts';

/** Exit 0 whatever the story: the question was answered. */
export async function why(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const report = await explain(rooms, project, args[0], signal);
  if (printer.format === 'table') new WhyPrinter(printer, options['diff'] !== false).print(report);
  else {
    const stories =
      report.about === 'run' ? report.steps : report.about === 'step' ? [report.story] : [report.last ?? report.now];
    const rows = stories.flatMap((story) => (story === null ? [] : [{ ...story }]));
    printer.report({
      document: report,
      sections: [{ columns: ['step', 'run_id', 'status', 'version', 'reason'], rows }],
    });
  }
  return 0;
}
