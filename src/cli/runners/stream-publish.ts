import { publishNamed } from '../../app/stream/publish-named.ts';
import type { PublishReport } from '../../app/stream/publish-stream.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { largeCountText } from '../shared/sizes.ts';

/** `stream publish NAME`. */
export async function streamPublish(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal, command_line } = invocation;
  const { project } = await loadProjectFor(invocation);
  const report = await publishNamed(rooms, project, {
    name: args[0] ?? '',
    full: options['full'] === true,
    dry_run: options['dryRun'] === true,
    command: command_line,
    signal,
    note: (text) => printer.note(text),
  });
  printer.report({ document: report, sections: [] });
  for (const line of publishWords(report)) printer.text(line);
  return 0;
}

function publishWords(report: PublishReport): readonly string[] {
  const { table, topic, version_from, version_to, inserts, updates, deletions, messages, dry_run } = report;
  if (version_from === version_to) return [`${table} version ${version_to} is in topic ${topic} already`];
  const from = version_from < 0 ? '' : ` after version ${version_from}`;
  const first =
    messages === 0
      ? `${table} version ${version_to}${from}: no row differs`
      : `${table} version ${version_to}${from}: ${largeCountText(messages, 'message')} ${dry_run ? 'would go' : 'went'} to topic ${topic}`;
  const parts = [
    largeCountText(inserts, 'insert'),
    largeCountText(updates, 'update'),
    largeCountText(deletions, 'deletion'),
  ].join(', ');
  const resumed =
    report.resumed_after > 0 ? [`  ${largeCountText(report.resumed_after, 'message')} of it had gone out before`] : [];
  const rate = report.wall_ms > 0 ? Math.round((messages * 1000) / report.wall_ms).toLocaleString('en') : '';
  const how = `  ${largeCountText(report.transactions, 'transaction')} in ${(report.wall_ms / 1000).toFixed(2)} s, ${rate} messages/s`;
  return [first, `  ${parts}`, ...resumed, ...(dry_run ? ['nothing was changed'] : messages > 0 ? [how] : [])];
}
