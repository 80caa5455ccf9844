import type { Project } from '../core/model/project.ts';
import type { EngineSession, ExportTarget } from '../core/ports/engine.ts';
import type { DataGenerator, DataMaker, GeneratorOptions, PlannedFile } from '../core/ports/generator.ts';
import { expectedOf } from './expected.ts';
import { planData } from './plan-data.ts';
import type { DataPlan, SourcePlan, VocabularyName } from './plan-types.ts';
import { countRows } from './row-counts.ts';
import { csvHeader, linesSql, recordsSql } from './source-sql.ts';
import { targetFile } from './target-file.ts';
import type { ValueContext } from './value-sql.ts';
import { vocabularies } from './vocabulary.ts';

/** Lines looked at to estimate the size of a file. */
const SAMPLE_LINES = 1000;

/** The generator that computes rows in the engine; only words come from a library. */
export const dataGenerator: DataGenerator = {
  prepare: async (session, project, options) => {
    const plan = planData(project, options);
    const words = await vocabularies(wordsNeeded(plan));
    return makerFor(session, { project, options, context: { plan, words, rows: countRows(plan.sources) } });
  },
};

interface Making {
  readonly project: Project;
  readonly options: GeneratorOptions;
  readonly context: ValueContext;
}

function makerFor(session: EngineSession, { project, options, context }: Making): DataMaker {
  const sourceNamed = (name: string): SourcePlan => {
    const source = context.plan.sources.find((one) => one.name === name);
    if (source === undefined) throw new TypeError(`no plan for source ${name}`);
    return source;
  };
  return {
    files: context.plan.sources.flatMap((source) =>
      plannedFile(project, options, source, context.rows.get(source.name) ?? 0),
    ),
    write: (name, uri) => {
      const source = sourceNamed(name);
      const compression = options.gzip ? 'gzip' : 'none';
      const target: ExportTarget =
        options.format === 'csv'
          ? { uri, format: 'lines', compression, header: csvHeader(source) }
          : { uri, format: options.format, compression };
      return session.exportFile(
        options.format === 'csv' ? linesSql(context, source) : recordsSql(context, source),
        target,
      );
    },
    estimate: async (name) => {
      if (options.format !== 'csv' || options.gzip) return undefined;
      const [row] = await session.rows(
        `select avg(strlen(line)) + 1 as bytes from (${linesSql(context, sourceNamed(name))} limit ${SAMPLE_LINES})`,
      );
      return Math.round(Number(row?.['bytes'] ?? 0) * (context.rows.get(name) ?? 0));
    },
    expect: (checks, now_iso) => expectedOf(session, { project, checks, context, now_iso }),
  };
}

function plannedFile(
  project: Project,
  options: GeneratorOptions,
  source: SourcePlan,
  rows: number,
): readonly PlannedFile[] {
  const spec = project.sources[source.name];
  return spec === undefined
    ? []
    : [{ source: source.name, ...targetFile(source.name, spec, options.format, options.gzip), rows }];
}

function wordsNeeded(plan: DataPlan): ReadonlySet<VocabularyName> {
  const makers = plan.sources.flatMap((source) => source.columns.map((column) => column.maker));
  return new Set(makers.flatMap((maker) => (maker.kind === 'vocabulary' ? [maker.words] : [])));
}
