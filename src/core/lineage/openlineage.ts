import type { StepRecord } from '../ports/ledger.ts';
import { isDirect, type Origin } from './origins.ts';
import type { TableLineage } from './project-lineage.ts';

const SPEC = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const FACETS = 'https://openlineage.io/spec/facets';

/** Facets that are written, with the version of their schema. */
const SCHEMAS = {
  columnLineage: '1-2-0/ColumnLineageDatasetFacet',
  dataQualityAssertions: '1-1-0/DataQualityAssertionsDatasetFacet',
  dataQualityMetrics: '1-0-3/DataQualityMetricsInputDatasetFacet',
  errorMessage: '1-0-1/ErrorMessageRunFacet',
  inputStatistics: '1-0-0/InputStatisticsInputDatasetFacet',
  jobType: '2-0-4/JobTypeJobFacet',
  outputStatistics: '1-0-2/OutputStatisticsOutputDatasetFacet',
  parent: '1-2-0/ParentRunFacet',
  processing_engine: '1-1-1/ProcessingEngineRunFacet',
  schema: '1-2-0/SchemaDatasetFacet',
  sql: '1-1-0/SQLJobFacet',
  symlinks: '1-0-1/SymlinksDatasetFacet',
  version: '1-0-1/DatasetVersionDatasetFacet',
} as const;

type FacetName = keyof typeof SCHEMAS;
type Facets = Partial<Record<FacetName, object>>;

/** A dataset by the naming of OpenLineage: `file` and a path, or `s3://bucket` and a key. */
export interface DatasetName {
  readonly namespace: string;
  readonly name: string;
}

/** A table or file that a step read. */
export interface EventInput extends DatasetName {
  /** The table's name, for tables. */
  readonly table?: string;
  readonly version?: number;
  readonly rows?: number;
  readonly size_bytes?: number;
  readonly types?: Readonly<Record<string, string>>;
  readonly null_counts?: Readonly<Record<string, number>>;
}

/** What the events of one step say. */
export interface StepEvents {
  readonly step: StepRecord;
  readonly project: string;
  /** Deterministic UUIDs of the step and of the run around it. */
  readonly step_uuid: string;
  readonly run_uuid: string;
  readonly producer: string;
  readonly engine: { readonly name: string; readonly version: string };
  /** Of what writes the events: dataflow. */
  readonly adapter_version: string;
  readonly inputs: readonly EventInput[];
  readonly output: DatasetName;
  /** By the definition of today; absent when the step ran under another one. */
  readonly lineage?: TableLineage;
  readonly sql?: string;
  /** Where the tables and files that the lineage names lie. */
  datasetsOf(table: string): readonly DatasetName[];
}

/** START and COMPLETE or FAIL of one step; a step that did not run has no events. */
export function eventsOf(about: StepEvents): readonly object[] {
  const { step } = about;
  if (step.status !== 'succeeded' && step.status !== 'failed' && step.status !== 'running') return [];
  const start = event(about, 'START', step.started_at, {});
  if (step.status === 'running' || step.finished_at === undefined) return [start];
  const failed = step.status === 'failed';
  const error = step.error;
  const facets: Facets =
    failed && error !== undefined
      ? { errorMessage: { message: `${error.code}: ${error.message}`, programmingLanguage: 'SQL' } }
      : {};
  return [start, event(about, failed ? 'FAIL' : 'COMPLETE', step.finished_at, facets)];
}

function event(about: StepEvents, eventType: string, eventTime: string, runFacets: Facets): object {
  const { step, project, producer } = about;
  const facets = (named: Facets): object => withSchemas(named, producer);
  const done = eventType === 'COMPLETE';
  return {
    eventType,
    eventTime,
    producer,
    schemaURL: SPEC,
    run: {
      runId: about.step_uuid,
      facets: facets({
        parent: { run: { runId: about.run_uuid }, job: { namespace: project, name: 'run' } },
        processing_engine: { ...about.engine, openlineageAdapterVersion: about.adapter_version },
        ...runFacets,
      }),
    },
    job: {
      namespace: project,
      name: step.step,
      facets: facets({
        jobType: { processingType: 'BATCH', integration: 'DATAFLOW', jobType: 'STEP' },
        ...(about.sql === undefined ? {} : { sql: { query: about.sql, dialect: 'duckdb' } }),
      }),
    },
    inputs: about.inputs.map((input) => inputDataset(input, project, facets, done)),
    outputs: [outputDataset(about, facets, done)],
  };
}

function inputDataset(input: EventInput, project: string, facets: (named: Facets) => object, done: boolean): object {
  const { namespace, name, rows, size_bytes, types, null_counts } = input;
  const counted = rows !== undefined && done;
  return {
    namespace,
    name,
    facets: facets({
      ...tableFacets(input.table, input.version, project),
      ...(types === undefined ? {} : { schema: schemaFacet(types) }),
    }),
    inputFacets: facets({
      ...(counted ? { inputStatistics: { rowCount: rows, size: size_bytes ?? 0 } } : {}),
      ...(counted && null_counts !== undefined
        ? { dataQualityMetrics: { rowCount: rows, bytes: size_bytes ?? 0, columnMetrics: nullsOf(null_counts) } }
        : {}),
    }),
  };
}

function nullsOf(counts: Readonly<Record<string, number>>): object {
  return Object.fromEntries(Object.entries(counts).map(([column, nullCount]) => [column, { nullCount }]));
}

function outputDataset(about: StepEvents, facets: (named: Facets) => object, done: boolean): object {
  const { step, lineage, project } = about;
  const { balance, resources } = step;
  const assertions = step.tests.map(({ test, passed, severity, message }) => ({
    assertion: test,
    success: passed,
    severity: severity === 'fail' ? 'error' : 'warn',
    actual: message,
  }));
  return {
    ...about.output,
    facets: facets({
      ...tableFacets(step.step, done ? step.output_version : undefined, project),
      ...(lineage === undefined
        ? {}
        : { schema: schemaFacet(lineage.types), columnLineage: columnFacet(about, lineage) }),
      ...(assertions.length === 0 ? {} : { dataQualityAssertions: { assertions } }),
    }),
    outputFacets: facets(
      done && balance !== undefined
        ? { outputStatistics: { rowCount: Math.max(0, balance.rows_out), size: resources?.bytes_written ?? 0 } }
        : {},
    ),
  };
}

function tableFacets(table: string | undefined, version: number | undefined, project: string): Facets {
  return {
    ...(table === undefined ? {} : { symlinks: { identifiers: [{ namespace: project, name: table, type: 'TABLE' }] } }),
    ...(version === undefined ? {} : { version: { datasetVersion: String(version) } }),
  };
}

function schemaFacet(types: Readonly<Record<string, string>>): object {
  return { fields: Object.entries(types).map(([name, type]) => ({ name, type })) };
}

/** Values by column; what decides about the rows belongs to the dataset as a whole. */
function columnFacet(about: StepEvents, lineage: TableLineage): object {
  const fields = lineage.columns.map((column) => [column.name, { inputFields: inputFields(about, column.origins) }]);
  return { fields: Object.fromEntries(fields), dataset: inputFields(about, lineage.rows) };
}

function inputFields(about: StepEvents, origins: readonly Origin[]): readonly object[] {
  const found = new Map<string, { origin: Origin; transformations: object[] }>();
  for (const origin of origins) {
    const key = JSON.stringify([origin.table, origin.column]);
    const known = found.get(key) ?? { origin, transformations: [] };
    known.transformations.push({
      type: isDirect(origin.way) ? 'DIRECT' : 'INDIRECT',
      subtype: origin.way.toUpperCase(),
      masking: false,
    });
    found.set(key, known);
  }
  return [...found.values()].flatMap(({ origin, transformations }) =>
    about.datasetsOf(origin.table).map((dataset) => ({ ...dataset, field: origin.column, transformations })),
  );
}

function withSchemas(facets: Facets, producer: string): object {
  const entries = Object.entries(facets).map(([name, facet]) => {
    const schema = SCHEMAS[name as FacetName];
    const type = schema.split('/')[1];
    return [name, { _producer: producer, _schemaURL: `${FACETS}/${schema}.json#/$defs/${type}`, ...facet }];
  });
  return Object.fromEntries(entries);
}
