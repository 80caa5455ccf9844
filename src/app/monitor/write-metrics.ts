import { readFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { writeDurably } from '../../kit/durable.ts';
import type { Rooms } from '../rooms.ts';
import { collectMetrics } from './collect-metrics.ts';
import { prometheusText } from './prometheus-text.ts';

/** The ending that the textfile collector of node_exporter looks for. */
const ENDING = '.prom';

/** @throws DataflowError E_USAGE for a name that the textfile collector would not read. */
export function checkMetricsFile(path: string): void {
  if (extname(path) !== ENDING)
    throw new DataflowError('E_USAGE', `${path}: the textfile collector reads files that end in ${ENDING} only`);
}

/**
 * Writes the numbers into a file for node_exporter's textfile collector, which runs as another user: everybody may read it. It is there with all its bytes
 * or as it was.
 * @param checked_ms when a run came to its end; without it the file goes on to say what it said.
 * @throws DataflowError E_METRICS_FILE, E_USAGE
 */
export async function writeMetrics(rooms: Rooms, project: Project, path: string, checked_ms?: number): Promise<number> {
  checkMetricsFile(path);
  const families = await collectMetrics(rooms, project, checked_ms ?? (await checkIn(path)));
  const text = await prometheusText(families);
  try {
    await writeDurably(path, text, 0o644);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new DataflowError('E_METRICS_FILE', `${path} cannot be written (${code})`, {
      ...(code === 'ENOENT' ? { hint: `Make the folder ${dirname(path)} first.` } : {}),
      cause: error,
    });
  }
  return families.reduce((sum, { samples }) => sum + samples.length, 0);
}

/** The end of the last run that the file tells of: one that was refused before it began writes the file too, and looked at nothing. */
async function checkIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [, seconds] = /^dataflow_last_check_timestamp_seconds\{[^\n]*\} (\S+)$/m.exec(text) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
