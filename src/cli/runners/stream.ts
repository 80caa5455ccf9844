import { runStream } from '../../app/stream/run-stream.ts';
import { type StreamLine, streamStatus } from '../../app/stream/stream-status.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseDuration } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { tellTo } from '../shared/run-printing.ts';
import { ageText } from '../shared/sizes.ts';
import { streamPublish } from './stream-publish.ts';

export async function stream(invocation: Invocation): Promise<number> {
  switch (invocation.verb) {
    case 'stream run':
      return await serve(invocation);
    case 'stream status':
      return await status(invocation);
    case 'stream publish':
      return await streamPublish(invocation);
    default:
      throw new DataflowError('E_USAGE', 'say what to do with streams', {
        hint: 'dataflow stream run | status | publish NAME',
      });
  }
}

async function serve(invocation: Invocation): Promise<number> {
  const { rooms, args, options, printer, signal } = invocation;
  const every_ms = durationFrom(options['every'], '--every');
  const for_ms = options['for'] === undefined ? undefined : durationFrom(options['for'], '--for');
  const { project } = await loadProjectFor(invocation);
  const report = await runStream(rooms, project, {
    sources: args,
    command: invocation.command_line,
    every_ms,
    ...(for_ms === undefined ? {} : { for_ms }),
    signal,
    publish: options['publish'] !== false,
    published: ({ stream, table, topic, version_to, messages, wall_ms }) =>
      printer.note(
        `stream ${stream}: ${table} version ${version_to}, ${messages.toLocaleString('en')} ${messages === 1 ? 'message' : 'messages'} to topic ${topic} in ${(wall_ms / 1000).toFixed(2)} s`,
      ),
    tell: tellTo(printer),
    took: ({ run_id, status, steps, wall_ms }) => {
      const taken = steps.filter((step) => step.step.startsWith('bronze.') && (step.balance?.rows_in ?? 0) > 0);
      const words = taken.map((step) => `${step.step} ${step.balance?.rows_in ?? 0} rows`).join(', ');
      printer.note(
        `run ${run_id ?? ''}: ${words || (status === 'failed' ? 'failed' : 'nothing new')} in ${(wall_ms / 1000).toFixed(2)} s`,
      );
      printer.run_id = null;
    },
  });
  const { rounds, runs, rows, messages, failures, wall_ms } = report;
  printer.report({
    document: report,
    sections: [
      {
        columns: [
          { name: 'rounds' },
          { name: 'runs' },
          { name: 'rows' },
          { name: 'messages' },
          { name: 'failures' },
          { name: 'wall_ms', title: 'ms' },
        ],
        rows: [{ rounds, runs, rows, messages, failures, wall_ms }],
      },
    ],
  });
  return report.exit_code;
}

async function status(invocation: Invocation): Promise<number> {
  const { rooms, args, printer, signal } = invocation;
  const { project } = await loadProjectFor(invocation);
  const lines = await streamStatus(rooms, project, args, signal);
  printer.report({
    document: lines,
    sections: [
      {
        columns: [
          { name: 'source' },
          { name: 'type' },
          { name: 'batch' },
          { name: 'committed_age_ms', title: 'committed', format: ago },
          { name: 'behind' },
          { name: 'oldest_ms', title: 'oldest', format: age },
          { name: 'rows_per_second', title: 'rows/s', align: 'right', format: rate },
        ],
        rows: lines.map((line) => ({ ...line })),
      },
    ],
  });
  if (printer.format === 'table') for (const line of lines) printer.text(wordsOf(line));
  return 0;
}

function wordsOf({ source, words }: StreamLine): string {
  return `  ${source}: ${words}`;
}

function durationFrom(value: unknown, flag: string): number {
  const ms = parseDuration(String(value));
  if (ms === undefined)
    throw new DataflowError('E_USAGE', `${flag}: write a number with a unit, such as 500ms, 10s or 5m`);
  return ms;
}

function age(value: unknown): string {
  return typeof value === 'number' ? ageText(value) : '';
}

function ago(value: unknown): string {
  return typeof value === 'number' ? `${ageText(value)} ago` : 'never';
}

function rate(value: unknown): string {
  return typeof value === 'number' ? value.toFixed(value < 10 ? 1 : 0) : '';
}
