import { ledgerForReading, openLedgerFor } from '../../app/run/open-project.ts';
import { type PublishReport, publishStream, streamOf } from '../../app/stream/publish-stream.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';

/** `stream publish NAME`. */
export async function streamPublish(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal, command_line } = invocation;
  const { project } = await loadProjectFor(invocation);
  const name = args[0] ?? '';
  streamOf(project, name);
  const dry_run = options['dryRun'] === true;
  const lake = await rooms.openLake(project);
  const ledger = await (dry_run ? ledgerForReading : openLedgerFor)(rooms, project, lake);
  try {
    const lock = dry_run ? undefined : ledger.lock(`stream:${project.name}/${name}`, command_line);
    // Before any version is looked up: from here on nothing is collected that is read below.
    const lease = await (await rooms.openLeases(project)).open('stream publish');
    const publisher = await rooms.openPublisher({ name, project, signal, note: (text) => printer.note(text) });
    try {
      const graph = buildGraph(project, await rooms.checks());
      const openEngine = () => rooms.openEngine(project);
      const report = await publishStream(
        { project, graph, lake, ledger, publisher, openEngine },
        { name, full: options['full'] === true, dry_run, signal },
      );
      printer.report({ document: report, sections: [] });
      for (const line of publishWords(report)) printer.text(line);
      return 0;
    } finally {
      await publisher.close();
      await lease.release();
      lock?.release();
    }
  } finally {
    ledger.close();
  }
}

function publishWords(report: PublishReport): readonly string[] {
  const { table, topic, version_from, version_to, inserts, updates, deletions, messages, dry_run } = report;
  if (version_from === version_to) return [`${table} version ${version_to} is in topic ${topic} already`];
  const count = (n: number, word: string): string => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
  const from = version_from < 0 ? '' : ` after version ${version_from}`;
  const first =
    messages === 0
      ? `${table} version ${version_to}${from}: no row differs`
      : `${table} version ${version_to}${from}: ${count(messages, 'message')} ${dry_run ? 'would go' : 'went'} to topic ${topic}`;
  const parts = [count(inserts, 'insert'), count(updates, 'update'), count(deletions, 'deletion')].join(', ');
  const resumed =
    report.resumed_after > 0 ? [`  ${count(report.resumed_after, 'message')} of it had gone out before`] : [];
  const rate = report.wall_ms > 0 ? Math.round((messages * 1000) / report.wall_ms).toLocaleString('en') : '';
  const how = `  ${count(report.transactions, 'transaction')} in ${(report.wall_ms / 1000).toFixed(2)} s, ${rate} messages/s`;
  return [first, `  ${parts}`, ...resumed, ...(dry_run ? ['nothing was changed'] : messages > 0 ? [how] : [])];
}
