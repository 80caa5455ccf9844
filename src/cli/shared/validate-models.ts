import { type ModelTranslation, translateModels } from '../../app/project/translate-models.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { DialectRefusal } from '../../core/ports/dialect.ts';
import { nameHint } from '../../kit/name-list.ts';
import type { Invocation } from '../command-spec.ts';

/** The engine of `--engine`. @throws DataflowError E_USAGE for `--show` without it. */
export function dialectAsked(options: Readonly<Record<string, unknown>>): string | undefined {
  const { engine, show } = options;
  if (typeof engine === 'string') return engine;
  if (show !== undefined)
    throw new DataflowError('E_USAGE', '--show goes with --engine', {
      hint: 'dataflow validate --engine spark --show gold.…',
    });
  return undefined;
}

const RESULTS: Readonly<Record<ModelTranslation['result'], string>> = { ok: 'ok', own: 'own SQL', refused: 'refused' };

/** Every model in the SQL of another engine: exit 2 when one is refused. */
export async function validateModels(invocation: Invocation, project: Project, engine: string): Promise<number> {
  const { rooms, printer, options, env, signal } = invocation;
  const models = await translateModels(rooms, project, { dialect: engine, env, signal });
  const { show } = options;
  if (typeof show === 'string') return showModel(invocation, models, show);
  const refused = models.filter((one) => one.result === 'refused');
  const totals = {
    ok: models.filter((one) => one.result === 'ok').length,
    own: models.filter((one) => one.result === 'own').length,
    refused: refused.length,
  };
  printer.report({
    document: { engine, valid: refused.length === 0, totals, models: models.map(documentOf) },
    sections:
      printer.format === 'table'
        ? [
            {
              columns: ['table', 'result'],
              rows: models.map((one) => ({ table: one.table, result: RESULTS[one.result] })),
              footer: refused.flatMap((one) => one.refusals.flatMap((refusal) => linesOf(one, refusal))),
              when_empty: 'There is no model.',
            },
          ]
        : [
            {
              columns: ['table', 'result', 'file', 'line', 'column', 'construct', 'remedy'],
              rows: models.flatMap(rowsOf),
            },
          ],
  });
  const own = totals.own === 0 ? '' : `, ${totals.own} with SQL of ${totals.own === 1 ? 'its' : 'their'} own`;
  const analysed = models.some((one) => one.analysed) ? ', analysed there' : '';
  printer.text(
    `${project.name} on ${engine}: ${totals.ok} of ${models.length} models translated${analysed}${own}, ${totals.refused} refused`,
  );
  return refused.length === 0 ? 0 : 2;
}

function showModel({ printer }: Invocation, models: readonly ModelTranslation[], table: string): number {
  const found = models.find((one) => one.table === table || one.table === `gold.${table}`);
  if (found === undefined) {
    throw new DataflowError('E_USAGE', `there is no model ${table}`, {
      hint: nameHint(
        table,
        models.map((one) => one.table),
      ),
    });
  }
  if (found.sql !== undefined) {
    printer.raw(found.sql);
    return 0;
  }
  const lines = found.refusals.flatMap((refusal) => linesOf(found, refusal));
  for (const line of lines) if (line !== '') printer.warn(line.trim());
  return 2;
}

function documentOf({ table, result, file, analysed, refusals }: ModelTranslation) {
  return { table, result, file, analysed, refusals };
}

function rowsOf({ table, result, file, refusals }: ModelTranslation): readonly Readonly<Record<string, unknown>>[] {
  const row = { table, result, file };
  return refusals.length === 0 ? [row] : refusals.map((one) => ({ ...row, ...one }));
}

/** Where it stands and what it is, then what to do. */
function linesOf(model: ModelTranslation, { line, column, construct, remedy }: DialectRefusal): readonly string[] {
  const in_file = line === undefined ? model.file : `${model.file}:${line}:${column}`;
  const in_query = line === undefined ? model.table : `${model.table}, line ${line}, column ${column} of its query`;
  return ['', `${model.own_file ? in_file : in_query}: ${construct}`, `  ${remedy}`];
}
