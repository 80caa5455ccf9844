import type { RunRecord, StepError } from '../ports/ledger.ts';
import { errorFacet, type Facets, RUN_EVENT_SCHEMA, withSchemas } from './openlineage-facets.ts';

/** Name of the job that a whole run is a run of; steps name it as their parent. */
export const RUN_JOB = 'run';

/** The run of an orchestrator that this one is a part of. */
export interface ParentRun {
  readonly namespace: string;
  readonly name: string;
  readonly run_uuid: string;
}

/** What the events of a whole run say. */
export interface RunEvents {
  readonly run: Pick<RunRecord, 'started_at'> & Partial<Pick<RunRecord, 'finished_at' | 'status'>>;
  readonly namespace: string;
  readonly run_uuid: string;
  readonly producer: string;
  /** What the run failed of: its own error, or that of its first failed step. */
  readonly error?: StepError | undefined;
  readonly parent?: ParentRun | undefined;
}

const ENDS: Readonly<Record<string, string>> = {
  succeeded: 'COMPLETE',
  failed: 'FAIL',
  partial: 'FAIL',
  interrupted: 'ABORT',
};

export function runStart(about: RunEvents): object {
  return event(about, 'START', about.run.started_at, {});
}

/** Undefined while the run goes on. */
export function runEnd(about: RunEvents): object | undefined {
  const { status = 'running', finished_at } = about.run;
  const type = ENDS[status];
  if (type === undefined || finished_at === undefined) return undefined;
  return event(about, type, finished_at, type === 'COMPLETE' ? {} : errorFacet(about.error));
}

function event(about: RunEvents, eventType: string, eventTime: string, more: Facets): object {
  const { namespace, run_uuid, producer, parent } = about;
  const above =
    parent === undefined
      ? {}
      : { parent: { run: { runId: parent.run_uuid }, job: { namespace: parent.namespace, name: parent.name } } };
  return {
    eventType,
    eventTime,
    producer,
    schemaURL: RUN_EVENT_SCHEMA,
    run: { runId: run_uuid, facets: withSchemas({ ...above, ...more }, producer) },
    job: {
      namespace,
      name: RUN_JOB,
      facets: withSchemas({ jobType: { processingType: 'BATCH', integration: 'DATAFLOW', jobType: 'RUN' } }, producer),
    },
    inputs: [],
    outputs: [],
  };
}
