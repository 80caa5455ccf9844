import type { AskedEnrich } from '../core/model/enrich.ts';
import type { Project, SourceSpec } from '../core/model/project.ts';
import type { EngineLimits } from '../core/planning/engine-limits.ts';
import type { Estimate } from '../core/planning/estimate.ts';
import type { FreshnessVerdict } from '../core/planning/freshness.ts';
import type { Graph, Node } from '../core/planning/graph.ts';
import type { SmallerPlan } from '../core/planning/smaller-plan.ts';
import type { EngineSession, InputRelation, SessionOptions } from '../core/ports/engine.ts';
import type { Lake, Snapshot } from '../core/ports/lake.ts';
import type { LandingPlace } from '../core/ports/landing-place.ts';
import type { Ledger, Lock } from '../core/ports/ledger.ts';
import type { Lookup } from '../core/ports/lookup.ts';
import type { PulledSource } from '../core/ports/pulled-source.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import type { Source, SourceContext } from '../core/ports/source.ts';

/** Part of a step's input that was looked at, or came in, since the last time that it was told. */
export interface Taken {
  readonly doing: 'inspecting' | 'pulling';
  readonly rows: number;
  readonly bytes: number;
  /** All there is to be looked at. */
  readonly bytes_expected?: number;
}

/** What every step of one run shares. Only ports: no step knows which engine, lake storage or connector it runs on. */
export interface RunContext {
  readonly project: Project;
  readonly graph: Graph;
  readonly run_id: string;
  /** The run's clock, fixed at its start, so that one run judges "today" once. */
  readonly now_ms: number;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly lock: Lock;
  readonly checks: ReadonlyMap<string, CheckComponent>;
  readonly signal: AbortSignal;
  /** Local folder for decoded copies and the like; removed after the run. */
  readonly temp_folder: string;
  readonly rehash: boolean;
  /** Masks secrets in text that is kept. */
  redact(text: string): string;
  /** Take again what was undone. */
  readonly redo: boolean;
  /** Files that are gone count as deleted, also when most of them are. */
  readonly allow_missing: boolean;
  /** What the engine has. */
  readonly limits: EngineLimits;
  /** @param small a session that needs less memory; see {@link SessionOptions.small}. */
  openSession(label: string, small?: SessionOptions['small']): Promise<EngineSession>;
  /** A session in which tables of silver and gold are computed: on other machines where the project's engine is there. */
  openTables(label: string, small?: SessionOptions['small']): Promise<EngineSession>;
  /** Tables are computed on other machines: what this one has is no measure for them. */
  readonly tables_elsewhere: boolean;
  /** Told before the work of a step begins. @throws DataflowError E_LAKE_SPACE when its result would not fit onto the disk. */
  admit(step: string, estimate: Estimate): Promise<void>;
  createSource(spec: SourceSpec): Promise<Source>;
  /** What a source may keep and use while it takes units in; absent where nothing is taken. */
  sourcePlaces?(source: string): Pick<SourceContext, 'kept_folder' | 'threads'>;
  /** Batches that a source that is asked takes at most in this run. */
  readonly batches_max: number;
  openPulled(spec: SourceSpec): Promise<PulledSource>;
  openLanding(source: string): Promise<LandingPlace>;
  openLookup(spec: AskedEnrich): Promise<Lookup>;
  /** A remark for the person at the terminal. */
  notice(message: string): void;
  /** Told of what a step takes in; absent where nobody looks on. */
  took?(step: string, taken: Taken): void;
}

/** One step of the run. */
export interface StepContext<N extends Node = Node> {
  readonly run: RunContext;
  readonly node: N;
  readonly step_id: string;
  readonly verdict: FreshnessVerdict;
  readonly code_fingerprint: string;
  /** Text of the definition behind the fingerprint, secrets masked; undefined when the ledger holds it already. */
  readonly definition: string | undefined;
  /** Versions that this step reads, fixed when it starts. */
  readonly inputs: ReadonlyMap<string, Snapshot>;
  /** Decisions about rejected rows of this table, fixed when the step starts; they are an input like any other. */
  readonly decided: Snapshot | undefined;
  /** The newest of these decisions that counts as carried out when the step succeeds; by default the newest there is. */
  readonly settles?: number;
  readonly started_ms: number;
  /** The second attempt, after the engine ran out of memory: work in smaller pieces. */
  readonly small?: SmallerPlan;
  /** Nobody is asked: lookups are answered by this version of the table, then by what is remembered. For traces, trials and descriptions. */
  readonly recall?: { readonly published?: Snapshot };
  /** The second attempt, after the engine was lost. */
  readonly after_loss?: boolean;
}

/** `now` as the checks and the quarantine use it. */
export function nowIso(run: Pick<RunContext, 'now_ms'>): string {
  return new Date(run.now_ms).toISOString();
}

/** A published version as input of an engine session, or some of its files. */
export function relationOf(
  snapshot: Snapshot,
  name: string,
  with_position = false,
  files: InputRelation['files'] = snapshot.files,
): InputRelation {
  const { columns, partition_by, sample } = snapshot;
  return { name, columns, files, partition_by, with_position, ...(sample === undefined ? {} : { sample }) };
}
