import { existsSync, rmSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { rejectingNode } from '../../app/quarantine/decide-quarantine.ts';
import { exportRows } from '../../app/quarantine/show-quarantine.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';
import { loadProjectFor } from '../shared/open.ts';
import { filterFrom, noRowsWords } from '../shared/quarantine-filter.ts';
import { countText } from '../shared/sizes.ts';

const FORMATS = { '.csv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.parquet': 'parquet' } as const;

/** Writes rejected rows to a file that `fix --from` takes back. */
export async function exportQuarantine(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, signal, cwd } = invocation;
  const name = String(options['to']);
  const to = resolve(cwd, name);
  const format = FORMATS[extname(name).toLowerCase() as keyof typeof FORMATS];
  if (format === undefined)
    throw new DataflowError('E_USAGE', `--to wants a file that ends in .csv, .ndjson or .parquet, not "${name}"`);
  if (existsSync(to) && options['force'] !== true)
    throw new DataflowError('E_USAGE', `${name} is there already`, {
      hint: 'Replace it with --force, or choose another name.',
    });
  if (!existsSync(dirname(to)))
    throw new DataflowError('E_USAGE', `${name}: its folder does not exist`, {
      hint: 'Make the folder, or choose another file.',
    });
  const { project } = await loadProjectFor(invocation);
  const table = args[0] ?? '';
  const node = await rejectingNode(rooms, project, table);
  const formula_safe = options['formulaSafe'] === true;
  const rows = await exportRows(rooms, project, node, {
    filter: filterFrom(invocation),
    to,
    format,
    formula_safe,
    signal,
  });
  printer.report({ document: { table: node.key, file: name, rows }, sections: [] });
  if (rows === 0) {
    rmSync(to, { force: true });
    printer.text(`${node.key} has ${noRowsWords(filterFrom(invocation))} in quarantine: nothing was written`);
    return 0;
  }
  printer.text(`${countText(rows, 'rejected row')} of ${node.key} ${rows === 1 ? 'was' : 'were'} written to ${name}`);
  printer.text(`mend their cells there, then: dataflow quarantine fix ${node.key} --from ${name}`);
  return 0;
}
