import type { Components } from '../core/config/components.ts';
import type { AskedEnrich } from '../core/model/enrich.ts';
import type { EngineSpec, Project, SourceSpec } from '../core/model/project.ts';
import type { Connection } from '../core/ports/connection.ts';
import type { Dialect } from '../core/ports/dialect.ts';
import type { Engine } from '../core/ports/engine.ts';
import type { FarEngine, ReachOptions } from '../core/ports/far-engine.ts';
import type { FarStorage, FarStorageRequest } from '../core/ports/far-storage.ts';
import type { DataGenerator } from '../core/ports/generator.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { LakeCare } from '../core/ports/lake-care.ts';
import type { LakeLock, LakeLockRequest } from '../core/ports/lake-lock.ts';
import type { LandingCare } from '../core/ports/landing-care.ts';
import type { LandingPlace } from '../core/ports/landing-place.ts';
import type { Leases } from '../core/ports/leases.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import type { Lookup } from '../core/ports/lookup.ts';
import type { Publisher } from '../core/ports/publisher.ts';
import type { PulledSource } from '../core/ports/pulled-source.ts';
import type { ReadEngine } from '../core/ports/read-engine.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import type { ServeRequest, ServerAtWork } from '../core/ports/server.ts';
import type { Sink } from '../core/ports/sink.ts';
import type { Source } from '../core/ports/source.ts';
import type { Store, StoreRequest } from '../core/ports/store.ts';
import type { WriteWorkbook } from '../core/ports/workbook.ts';
import type { LoadedProject as Loaded } from './project/load-project.ts';
import type { TerminalView } from './watch/watch-request.ts';

/** A project that was found, read and checked. */
export type LoadedProject = Loaded;

/** How a project is found. */
export interface ProjectOptions {
  /** The configuration file or its folder (`--config`); without it the nearest `pipelines.yaml` at or above `cwd` is taken. */
  readonly config?: string;
  /** Absolute path of the folder in which the search starts. */
  readonly cwd: string;
  /** Where `${NAME}` comes from. */
  readonly env: NodeJS.ProcessEnv;
}

export interface LedgerOptions {
  /** Open for reading only: takes no lock and writes nothing. */
  readonly read_only?: boolean;
  /** Make the ledger when there is none; otherwise its absence is E_LEDGER_MISSING. */
  readonly create?: boolean;
}

/**
 * The way from a surface or a use-case to the edges, none of which they import: `main.ts` fills it in. Every member loads its room only
 * when it is called, so that `status` loads no engine and `validate` no ledger. Whoever opens something closes it.
 */
export interface Rooms {
  /** Folder of the installed package: the demo's project comes with it. */
  readonly package_folder: string;
  /** Of dataflow itself, e.g. `0.1.0`. */
  readonly version: string;
  /** @throws DataflowErrors with every problem of the configuration, or DataflowError E_CONFIG_NOT_FOUND. */
  loadProject(options: ProjectOptions): Promise<LoadedProject>;
  openLake(project: Project): Promise<Lake>;
  /** The right to change a lake elsewhere; undefined for one on this machine, where the ledger's lock is enough. @throws DataflowError E_LOCKED */
  lockLake(project: Project, request: Omit<LakeLockRequest, 'state_folder'>): Promise<LakeLock | undefined>;
  /** The same lake, for those who prove and tidy it. */
  openLakeCare(project: Project): Promise<LakeCare>;
  /** Who reads the lake at this moment. */
  openLeases(project: Project): Promise<Leases>;
  openLedger(project: Project, options?: LedgerOptions): Promise<Ledger>;
  /** A ledger in a folder of one's own choice, for `ledger rebuild`. */
  openLedgerAt(place: LedgerOptions & { readonly folder: string }): Promise<Ledger>;
  /** The engine of this machine: the project's, or DuckDB beside one on other machines. */
  openEngine(project: Project): Promise<Engine>;
  /** The engine on other machines that computes the project's tables of silver and gold; undefined where {@link openEngine} does. @param here what that gave. */
  openTableEngine(project: Project, here: Engine): Promise<Engine | undefined>;
  /** The engine as a server uses it: it reads the lake's files and nothing else. Whoever opens it closes it. */
  openReadEngine(project: Project, memory_bytes: number): Promise<ReadEngine>;
  /** Answers over HTTP until it is closed. @throws DataflowError E_SERVE_OPEN, E_SERVE_ADDRESS */
  startServer(project: Project, request: ServeRequest): Promise<ServerAtWork>;
  /** An engine on other machines, signed in to; undefined for one that works on this machine. Whoever opens it closes it. */
  reachEngine(spec: EngineSpec, options: ReachOptions): Promise<FarEngine | undefined>;
  /** An engine without a project, for `init`. @param temp_folder local folder for what spills. */
  openBareEngine(spec: EngineSpec, temp_folder: string): Promise<Engine>;
  /** A source that is looked at. @param project whose connections the source may name. */
  createSource(spec: SourceSpec, project?: Pick<Project, 'connections' | 'root'>): Promise<Source>;
  /** A source that is asked; reaches nothing before its first method is called. Whoever opens it closes it. */
  openPulled(spec: SourceSpec, project: Pick<Project, 'connections' | 'root'>): Promise<PulledSource>;
  /** Where what a source was asked for lies until it is in the lake. */
  openLanding(project: Project, source: string): Promise<LandingPlace>;
  /** What lies there of all sources, for those who tidy up. */
  openLandingCare(project: Project): Promise<LandingCare>;

  /** A system that is asked for values of single keys; reaches nothing before the first question. Whoever opens it closes it. */
  openLookup(
    spec: Pick<AskedEnrich, 'lookup' | 'options' | 'connection'>,
    project: Pick<Project, 'connections' | 'root'>,
  ): Promise<Lookup>;

  /** The way out of an entry of `streams:`. Whoever opens it closes it. */
  openPublisher(stream: {
    readonly name: string;
    readonly project: Project;
    readonly signal: AbortSignal;
    note(text: string): void;
  }): Promise<Publisher>;

  /** Files in another system; reaches nothing before its first method is called. Whoever opens it closes it. */
  openFarStorage(
    far: Pick<FarStorageRequest, 'path' | 'note' | 'spared'> & {
      /** An entry of `connections:`, or its name. */
      readonly connection: Connection | string;
      readonly project: Pick<Project, 'connections' | 'root'>;
    },
  ): Promise<FarStorage>;

  /** The way into the destination of an entry of `loads:`. Whoever opens it closes it. */
  openSink(load: {
    readonly name: string;
    readonly project: Project;
    readonly signal: AbortSignal;
    note(text: string): void;
  }): Promise<Sink>;

  /** The same destination as one that answers questions; reaches nothing before it is asked. @throws DataflowError E_USAGE where it cannot. */
  openStore(
    load: Pick<StoreRequest, 'views_max' | 'seconds_max'> & { readonly name: string; readonly project: Project },
  ): Promise<Store>;

  /** Puts models into the SQL of another engine: `spark`. @throws DataflowError E_USAGE for one that nobody knows. */
  dialect(name: string): Promise<Dialect>;
  /** Puts workbooks together. */
  workbooks(): Promise<WriteWorkbook>;
  /** Makes data that looks like a project's sources. */
  dataGenerator(): Promise<DataGenerator>;
  /** Everything that `pipelines.yaml` can name. */
  components(): Promise<Components>;
  /** Masks the secrets of the project that was loaded last, and the user part of URLs. */
  redact(text: string): string;
  /** Every rule and test, by the name that `pipelines.yaml` uses. */
  checks(): Promise<ReadonlyMap<string, CheckComponent>>;
  /** The view that `status --watch` shows. */
  terminalView(): Promise<TerminalView>;
  /** Local folder of the ledger and of whatever else a run keeps for itself (`<lake>/_dataflow`). */
  stateFolder(project: Project): string;
}
