import { basename, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parse } from 'zod/v4/core';
import { type InitOptions, initProject } from '../../app/project/init-project.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';

export async function init(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, cwd } = invocation;
  const folder = resolve(cwd, args[0] ?? '.');
  const options = await completed(invocation, folder);
  const createSource = async (source: Readonly<Record<string, unknown>>) => {
    const component = (await rooms.components()).sources.get('files');
    if (component === undefined) throw new DataflowError('E_INTERNAL', 'there is no source of type files');
    const filled = parse(component.schema, source) as Readonly<Record<string, unknown>>;
    return rooms.createSource({
      type: 'files',
      schema_change: 'evolve',
      on_rewrite: 'replace',
      tags: [],
      options: filled,
    });
  };
  const report = await initProject({ openEngine: rooms.openBareEngine, createSource }, options);
  printer.report({
    document: report,
    sections:
      report.sources.length === 0
        ? []
        : [
            {
              columns: ['source', 'path', 'files', 'columns', 'key'],
              rows: report.sources.map((one) => ({
                source: one.name,
                path: one.glob,
                files: one.files,
                columns: one.columns.length,
                key: one.key ?? '',
              })),
            },
          ],
  });
  for (const one of report.skipped) printer.warn(`${one.path} was left out: ${one.reason}`);
  const place = relative(cwd, folder);
  printer.text(`wrote ${relative(cwd, report.file) || report.file}`);
  printer.text(
    `next: ${place === '' ? '' : `cd ${place} && `}${report.sources.length === 0 ? 'add a source, then dataflow validate' : 'dataflow run'}`,
  );
  return 0;
}

/** Flags win; on a terminal the rest is asked, elsewhere it has defaults. */
async function completed({ options, env }: Invocation, folder: string): Promise<InitOptions> {
  const given = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined);
  const force = options['force'] === true;
  const fallback = basename(folder).replace(/[^A-Za-z0-9_-]+/g, '_') || 'project';
  const ask =
    process.stdin.isTTY === true &&
    process.stderr.isTTY === true &&
    options['yes'] !== true &&
    (env['CI'] ?? '') === '' &&
    given('from') === undefined;
  if (!ask) {
    const from = given('from');
    return { folder, name: given('name') ?? fallback, force, ...(from === undefined ? {} : { from: resolve(from) }) };
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const name = given('name') ?? ((await terminal.question(`Name of the project [${fallback}]: `)).trim() || fallback);
    const from = (await terminal.question('Folder with data files to start from (empty: none): ')).trim();
    return { folder, name, force, ...(from === '' ? {} : { from: resolve(from) }) };
  } finally {
    terminal.close();
  }
}
