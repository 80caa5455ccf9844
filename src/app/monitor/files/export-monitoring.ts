import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Project } from '../../../core/model/project.ts';
import { writeDurably } from '../../../kit/durable.ts';
import { type MonitoringPlaces, monitoringFiles, tokenFile } from './monitoring-files.ts';

export interface MonitoringReport {
  readonly folder: string;
  readonly files: readonly { readonly file: string; readonly state: 'new' | 'replaced' | 'same' }[];
  /** File with a token of the server that has to be put beside them. */
  readonly token_file: string | null;
}

/**
 * Writes configuration of Prometheus, Alertmanager and Grafana for a project into a folder.
 * @param force replace files that hold something else.
 * @throws DataflowError E_USAGE when a file is there that holds something else.
 */
export async function exportMonitoring(
  project: Project,
  places: MonitoringPlaces,
  options: { readonly force: boolean; readonly dry_run: boolean },
): Promise<MonitoringReport> {
  const texts = await monitoringFiles(project, places);
  const files: { file: string; state: 'new' | 'replaced' | 'same' }[] = [];
  for (const [file, text] of texts) {
    const there = await textOf(join(places.folder, file));
    files.push({ file, state: there === undefined ? 'new' : there === text ? 'same' : 'replaced' });
  }
  const other = files.filter(({ state }) => state === 'replaced').map(({ file }) => file);
  if (other.length > 0 && !options.force && !options.dry_run)
    throw new DataflowError('E_USAGE', `${places.folder} holds other files of these names: ${other.join(', ')}`, {
      kept: 'nothing was written',
      hint: 'Look at them with --dry-run, and replace them with --force.',
    });
  if (!options.dry_run)
    for (const { file, state } of files) if (state !== 'same') await put(join(places.folder, file), texts.get(file));
  return { folder: places.folder, files, token_file: tokenFile(project) ?? null };
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw cannot('read', path, error);
  });
}

/** Other programs read them as users of their own. */
async function put(path: string, text = ''): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeDurably(path, text, 0o644);
  } catch (error) {
    throw cannot('written', path, error as NodeJS.ErrnoException);
  }
}

function cannot(what: string, path: string, error: NodeJS.ErrnoException): DataflowError {
  return new DataflowError('E_OUTPUT', `${path} cannot be ${what} (${error.code})`, { cause: error });
}
