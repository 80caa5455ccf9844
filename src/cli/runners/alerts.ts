import { checkAlerts, testAlerts } from '../../app/monitor/alerts/check-alerts.ts';
import type { Invocation } from '../command-spec.ts';
import { EXIT_DONE, EXIT_FAILED } from '../exit-codes.ts';
import { loadProjectFor } from '../shared/open.ts';

/** `alerts check`, `alerts test`: exit 1 when a message could not be handed over. */
export async function alerts(invocation: Invocation): Promise<number> {
  const { rooms, printer, verb, command_line } = invocation;
  const { project } = await loadProjectFor(invocation);
  if ((project.alerts ?? []).length === 0) {
    printer.note('there is no alert: add alerts: to pipelines.yaml');
    return EXIT_DONE;
  }
  if (verb === 'alerts test') {
    const tests = await testAlerts(rooms, project);
    const rows = tests.map((one) => ({ ...one, result: one.failed ?? 'arrived' }));
    const columns = [{ name: 'alert' }, { name: 'to' }, { name: 'result' }];
    printer.report({ document: tests, sections: [{ columns, rows }] });
    return tests.some(({ failed }) => failed !== null) ? EXIT_FAILED : EXIT_DONE;
  }
  const lines = await checkAlerts(rooms, project, command_line);
  const columns = [{ name: 'alert' }, { name: 'state' }, { name: 'subject' }, { name: 'text' }];
  printer.report({
    document: lines,
    sections: [{ columns, rows: lines.map((line) => ({ ...line })), when_empty: 'nothing is wrong' }],
  });
  for (const { failed } of lines) if (failed !== null) printer.warn(failed);
  return lines.some(({ failed }) => failed !== null) ? EXIT_FAILED : EXIT_DONE;
}
