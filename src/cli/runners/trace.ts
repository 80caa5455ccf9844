import { type TraceQuestion, traceRows } from '../../app/explain/trace-rows.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { BackwardTrace, ForwardTrace } from '../../core/model/trace.ts';
import type { Invocation } from '../command-spec.ts';
import { backwardText, forwardText } from '../lineage/trace-text.ts';
import type { Section } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';

export async function trace(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args, signal, cwd } = invocation;
  const limit = Number(options['limit']);
  if (!Number.isInteger(limit) || limit < 0 || limit > 10_000)
    throw new DataflowError('E_USAGE', `--limit wants a whole number up to 10000, not "${String(options['limit'])}"`);
  const where = options['where'];
  if (typeof where === 'string' && where.trim() === '')
    throw new DataflowError('E_USAGE', '--where wants a condition, not an empty text');
  const { project } = await loadProjectFor(invocation);
  const found = await traceRows(rooms, project, {
    target: args[0] ?? '',
    ...(typeof where === 'string' ? { where } : {}),
    ...atFrom(options),
    limit,
    cwd,
    signal,
  });
  if (printer.format === 'table') {
    const lines =
      found.direction === 'backward'
        ? backwardText(found, printer.width, printer.ascii)
        : forwardText(found, printer.width, printer.ascii);
    for (const line of lines) printer.text(line);
  } else printer.report({ document: found, sections: [sectionOf(found)] });
  return 0;
}

function atFrom(options: Invocation['options']): Pick<TraceQuestion, 'at'> {
  const [version, release] = [options['asOf'], options['release']];
  if (version !== undefined && release !== undefined)
    throw new DataflowError('E_USAGE', '--as-of and --release exclude each other');
  if (typeof release === 'string') return { at: { release } };
  if (version === undefined) return {};
  if (typeof version !== 'string' || !/^\d{1,15}$/.test(version))
    throw new DataflowError('E_USAGE', `--as-of wants the number of a version, not "${String(version)}"`, {
      hint: 'A release is named with --release; see: dataflow release list',
    });
  return { at: { version: Number(version) } };
}

/** For ndjson and csv: one line per table or file. */
function sectionOf(found: BackwardTrace | ForwardTrace): Section {
  const levels = found.levels.map(({ table, version, rows, sure_rows }) => ({
    kind: 'table',
    name: table,
    version,
    rows,
    sure_rows,
  }));
  const files =
    found.direction === 'backward'
      ? found.files.map(({ path, bronze_version, rows, sure_rows, sha256 }) => ({
          kind: 'file',
          name: path,
          version: bronze_version,
          rows,
          sure_rows,
          sha256,
        }))
      : found.fates.map(({ table, fate, rule, rows }) => ({ kind: fate, name: table, rows, rule }));
  return { columns: ['kind', 'name', 'version', 'rows', 'sure_rows', 'rule', 'sha256'], rows: [...levels, ...files] };
}
