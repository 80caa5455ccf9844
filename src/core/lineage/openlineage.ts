import type { RunRecord, StepRecord } from '../ports/ledger.ts';
import { errorFacet, type Facets, RUN_EVENT_SCHEMA, withSchemas } from './openlineage-facets.ts';
import { RUN_JOB } from './openlineage-run.ts';
import { isDirect, type Origin } from './origins.ts';
import type { TableLineage } from './project-lineage.ts';

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
  /** The run around it: when that has ended, its unfinished steps have, too. */
  readonly run: Pick<RunRecord, 'status' | 'finished_at' | 'error'>;
  /** Of jobs, and of tables by their names as in SQL. */
  readonly namespace: string;
  /** Deterministic UUIDs of the step and of the run around it. */
  readonly step_uuid: string;
  readonly run_uuid: string;
  readonly producer: string;
  /** Absent when it could not be asked. */
  readonly engine?: { readonly name: string; readonly version: string };
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

/** START and COMPLETE, FAIL or ABORT of one step; a step that did not run has no events. */
export function eventsOf(about: StepEvents): readonly object[] {
  const { step, run } = about;
  if (step.status !== 'succeeded' && step.status !== 'failed' && step.status !== 'running') return [];
  const start = event(about, 'START', step.started_at, {});
  if (step.status === 'running') {
    if (run.status === 'running' || run.finished_at === undefined) return [start];
    return [start, event(about, 'ABORT', run.finished_at, errorFacet(run.error))];
  }
  if (step.finished_at === undefined) return [start];
  const failed = step.status === 'failed';
  return [start, event(about, failed ? 'FAIL' : 'COMPLETE', step.finished_at, failed ? errorFacet(step.error) : {})];
}

function event(about: StepEvents, eventType: string, eventTime: string, runFacets: Facets): object {
  const { step, namespace, producer, engine } = about;
  const facets = (named: Facets): object => withSchemas(named, producer);
  const done = eventType === 'COMPLETE';
  return {
    eventType,
    eventTime,
    producer,
    schemaURL: RUN_EVENT_SCHEMA,
    run: {
      runId: about.step_uuid,
      facets: facets({
        parent: { run: { runId: about.run_uuid }, job: { namespace, name: RUN_JOB } },
        ...(engine === undefined
          ? {}
          : { processing_engine: { ...engine, openlineageAdapterVersion: about.adapter_version } }),
        ...runFacets,
      }),
    },
    job: {
      namespace,
      name: step.step,
      facets: facets({
        jobType: { processingType: 'BATCH', integration: 'DATAFLOW', jobType: 'STEP' },
        ...(about.sql === undefined ? {} : { sql: { query: about.sql, dialect: 'duckdb' } }),
      }),
    },
    inputs: about.inputs.map((input) => inputDataset(input, namespace, facets, done)),
    outputs: [outputDataset(about, facets, done)],
  };
}

function inputDataset(
  input: EventInput,
  job_namespace: string,
  facets: (named: Facets) => object,
  done: boolean,
): object {
  const { namespace, name, rows, size_bytes, types, null_counts } = input;
  const counted = rows !== undefined && done;
  return {
    namespace,
    name,
    facets: facets({
      ...tableFacets(input, input.table, input.version, job_namespace),
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
  const { step, lineage, namespace } = about;
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
      ...tableFacets(about.output, step.step, done ? step.output_version : undefined, namespace),
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

function tableFacets(
  place: DatasetName,
  table: string | undefined,
  version: number | undefined,
  namespace: string,
): Facets {
  return {
    dataSource: { name: place.namespace, uri: uriOf(place) },
    ...(table === undefined ? {} : { symlinks: { identifiers: [{ namespace, name: table, type: 'TABLE' }] } }),
    ...(version === undefined ? {} : { version: { datasetVersion: String(version) } }),
  };
}

function uriOf({ namespace, name }: DatasetName): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${namespace === 'file' ? 'file://' : namespace}${path}`;
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
