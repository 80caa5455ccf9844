import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import type { Rooms } from './app/rooms.ts';
import { allHelpTexts } from './cli/help-text.ts';
import { describeProgram } from './cli/program.ts';
import { runCli } from './cli/run-cli.ts';
import type { Components, EngineChoice } from './core/config/components.ts';
import { loadAll, named } from './core/config/lazy-components.ts';
import { DataflowError } from './core/errors/dataflow-error.ts';
import type { EngineSpec, Project, SourceSpec } from './core/model/project.ts';
import { farLakePlace, lakeFolder, stateFolderOf } from './core/planning/lake-place.ts';
import type { ArchiveReader } from './core/ports/archive.ts';
import type { Connection } from './core/ports/connection.ts';
import type { Engine } from './core/ports/engine.ts';
import type { FormatInspectors } from './core/ports/format.ts';
import type { SourceParts } from './core/ports/source-component.ts';
import { redactor } from './kit/redact.ts';
import type { FarLake } from './lake/far/open-far-lake.ts';
import type { LakeOptions } from './lake/open-lake.ts';
import {
  CHECKS,
  COMMANDS,
  CONNECTIONS,
  ENGINES,
  LOOKUPS,
  PLACES,
  PUBLISHERS,
  SINKS,
  SOURCES,
  STORAGES,
  STORES,
} from './registry.ts';

/**
 * The only file that knows every room. It hands them to the surfaces and use-cases as `Rooms`; each is loaded when it is first asked
 * for. Verbs, connectors, formats, engines and rules come from the generated registry.
 */
const VERSION: string = packageJson.version;

/** What masks secrets: URLs at first, the project's own secrets once it is loaded. */
let redact = redactor([]);

/** Runs one command line (the words after `dataflow`) and ends the process with its exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  // Node ends with 0 when nothing is left to wait for, even if this function never came to its end: that must not pass for success.
  process.once('beforeExit', () => {
    process.stderr.write(
      'error[E_INTERNAL] the program came to a stop before it was done\n  next: Run again; report it if it comes back.\n',
    );
    process.exit(1);
  });
  process.exit(await execute(argv));
}

/** Runs one command line and returns its exit status. */
export function execute(argv: readonly string[]): Promise<number> {
  return runCli(argv, { commands: COMMANDS, rooms, redact: (text) => redact(text) });
}

/** All help texts, for the build: the start-up file answers from them. */
export async function helpTexts(): Promise<ReadonlyMap<string, string>> {
  return allHelpTexts(await describeProgram(COMMANDS, VERSION));
}

export const rooms: Rooms = {
  version: VERSION,
  package_folder: fileURLToPath(new URL('..', import.meta.url)),

  loadProject: async (options) => {
    const { loadProject } = await import('./app/project/load-project.ts');
    const snapshots = (await import('./app/project/snapshot-store.ts')).snapshotStore(options.env);
    const loaded = await loadProject({
      ...options,
      components: rooms.components,
      ...(snapshots === undefined ? {} : { snapshots }),
    });
    redact = redactor(loaded.secrets);
    return loaded;
  },

  components: async (): Promise<Components> => {
    const [sources, checks, engines, connections, lookups] = await Promise.all([
      loadAll(SOURCES),
      loadAll(CHECKS),
      loadAll<EngineChoice>(ENGINES),
      loadAll(CONNECTIONS),
      loadAll(LOOKUPS),
    ]);
    return { sources, checks, engines, connections, lookups };
  },

  redact: (text) => redact(text),

  checks: () => loadAll(CHECKS),

  openLake: async (project) => {
    const { openLake } = await import('./lake/open-lake.ts');
    return openLake(await lakeOptions(project));
  },

  lockLake: async (project, request) => {
    const far = await farLake(project);
    if (far === undefined) return undefined;
    const { lockLake } = await import('./lake/far/lake-lock.ts');
    return lockLake(far.storage, { ...request, state_folder: rooms.stateFolder(project) });
  },

  openLeases: async (project) => {
    const { openLeases } = await import('./lake/leases.ts');
    return openLeases(await lakeOptions(project));
  },

  openLakeCare: async (project) => {
    const { openCare } = await import('./lake/care/open-care.ts');
    return openCare(await lakeOptions(project));
  },

  openLedger: (project, options = {}) => rooms.openLedgerAt({ folder: rooms.stateFolder(project), ...options }),
  openLedgerAt: async (place) => (await import('./ledger/open-ledger.ts')).openLedger(place),

  openEngine: async (project) => {
    const engine = await openEngine(project.engine, join(rooms.stateFolder(project), 'tmp'));
    const far = await farLake(project);
    if (far === undefined) return engine;
    return (await import('./lake/far/caching-engine.ts')).cachingEngine(engine, far.storage, far.cache);
  },
  openReadEngine: async (project, memory_bytes) => {
    const { openReadEngine } = await import('./engines/duckdb/read-engine.ts');
    const engine = await openReadEngine({
      folders: [lakeFolder(project)],
      temp_folder: join(rooms.stateFolder(project), 'tmp'),
      memory_bytes,
      ...(project.engine.threads === undefined ? {} : { threads: project.engine.threads }),
    });
    const far = await farLake(project);
    if (far === undefined) return engine;
    return (await import('./lake/far/caching-read-engine.ts')).cachingReadEngine(engine, far.storage, far.cache);
  },
  startServer: async (project, request) => (await import('./api/start.ts')).startServer(rooms, project, request),
  openBareEngine: openEngine,
  openTableEngine: async (project, here) => {
    const { compute } = await named(ENGINES, 'engine', project.engine.type);
    if (compute === undefined) return undefined;
    const { computePlaces } = await import('./lake/compute-places.ts');
    const places = computePlaces(project, await farLake(project));
    return compute(project.engine, { env: process.env, here, lake_url: project.lake.url, ...places });
  },
  reachEngine: async (spec, options) => (await named(ENGINES, 'engine', spec.type)).reach?.(spec, options),

  createSource: async (spec, project) => {
    const component = await named(SOURCES, 'source', spec.type);
    if (!('create' in component))
      throw new DataflowError('E_INTERNAL', `sources of type ${spec.type} are asked, not looked at`);
    return component.create(spec.options, await sourceParts(spec, project));
  },

  openPulled: async (spec, project) => {
    const component = await named(SOURCES, 'source', spec.type);
    if (!('open' in component))
      throw new DataflowError('E_INTERNAL', `sources of type ${spec.type} are looked at, not asked`);
    return component.open(spec.options, await sourceParts(spec, project));
  },

  openLanding: async (project, source) => {
    inspectors ??= (await import('./formats/inspect-pool.ts')).pooledInspectors();
    const { openLandingPlace } = await import('./landing/open-landing.ts');
    return openLandingPlace({ state_folder: rooms.stateFolder(project), source, inspectors });
  },

  openLandingCare: async (project) =>
    (await import('./landing/landing-care.ts')).openLandingCare(rooms.stateFolder(project)),

  openLookup: async ({ lookup, options, connection: name }, project) => {
    const entry = name === undefined ? undefined : project.connections[name];
    const connection = name === undefined || entry === undefined ? {} : { connection: { ...entry, name } };
    return (await named(LOOKUPS, 'lookup', lookup)).open(options, { root: project.root, ...connection });
  },

  openPublisher: async ({ name, project, ...more }) => {
    const spec = project.streams?.[name];
    if (spec === undefined) throw new DataflowError('E_CONFIG_REFERENCE', `there is no stream ${name}`);
    const connection = connectionNamed(spec.connection, project);
    const { topic, compression } = spec;
    const component = await named(PUBLISHERS, 'publisher', connection.type);
    return component.open({
      id: `${project.name}/${name}/${topic}`,
      topic,
      compression,
      connection,
      root: project.root,
      ...more,
    });
  },

  openFarStorage: async ({ connection: asked, project, ...more }) => {
    const connection = typeof asked === 'string' ? connectionNamed(asked, project) : asked;
    const component = await named(STORAGES, 'storage', connection.type);
    return component.open({ connection, root: project.root, ...more });
  },

  openSink: async ({ name, project, ...more }) => {
    const { views, ...load } = loadNamed(name, project);
    const component = await named(SINKS, 'sink', load.connection.type);
    return component.open({ ...load, views, ...more });
  },

  openStore: async ({ name, project, ...more }) => {
    const { views: _, ...load } = loadNamed(name, project);
    const component = await STORES[load.connection.type]?.();
    if (component !== undefined) return component.open({ ...load, ...more });
    throw new DataflowError('E_USAGE', `a destination of type ${load.connection.type} cannot be served from`, {
      hint: `These can: ${Object.keys(STORES).join(', ')}. Without --store the lake answers.`,
    });
  },

  dialect: async (name) => {
    if (name === 'spark') return (await import('./engines/spark/sql/translate.ts')).sparkDialect;
    throw new DataflowError('E_USAGE', `models are not put into the SQL of ${name}`, { hint: 'Take --engine spark.' });
  },
  workbooks: async () => (await import('./formats/xlsx/write-workbook.ts')).writeWorkbook,

  dataGenerator: async () => (await import('./generators/data-generator.ts')).dataGenerator,

  terminalView: async () => (await import('./tui/load-view.ts')).loadView(),

  stateFolder: stateFolderOf,
};

/** The way to a lake elsewhere; undefined for one on this machine. */
async function farLake(project: Project): Promise<FarLake | undefined> {
  const place = farLakePlace(project);
  if (place === undefined) return undefined;
  const { sharedFarLake } = await import('./lake/far/open-far-lake.ts');
  return sharedFarLake(project, (spared) => {
    const note = (text: string): void => void process.stderr.write(`${redact(text)}\n`);
    return rooms.openFarStorage({ ...place, project, note, spared });
  });
}

async function lakeOptions(project: Project): Promise<LakeOptions> {
  const { url, layers } = project.lake;
  const far = await farLake(project);
  return far === undefined ? { url, layers } : { url, layers, storage: far.storage };
}

/** One pool for the process: its threads are shared by all sources. */
let inspectors: FormatInspectors | undefined;

/** Loaded when the first archive comes. */
const archives: ArchiveReader = {
  list: async (...asked) => (await import('./formats/archive/archive-reader.ts')).archiveReader.list(...asked),
  extract: async (...asked) => (await import('./formats/archive/archive-reader.ts')).archiveReader.extract(...asked),
};

/** What a source is given from other rooms. */
async function sourceParts(
  spec: SourceSpec,
  project: Pick<Project, 'connections' | 'root'> | undefined,
): Promise<SourceParts> {
  inspectors ??= (await import('./formats/inspect-pool.ts')).pooledInspectors();
  const formats = inspectors;
  const files: SourceParts['files'] = async (wanted) =>
    (await import('./connectors/files/source.ts')).wantedFiles(wanted, { inspectors: formats });
  const parts: SourceParts = { inspectors, files, archives };
  if (spec.connection === undefined) return parts;
  const connection = connectionNamed(spec.connection, { connections: project?.connections ?? {} });
  const place = await PLACES[connection.type]?.();
  if (project === undefined || place === undefined) return { ...parts, connection };
  return { ...parts, connection, place: await place.open(connection, project.root) };
}

/** What an entry of `loads:` says of its destination. */
function loadNamed(name: string, project: Project) {
  const spec = project.loads?.[name];
  if (spec === undefined) throw new DataflowError('E_CONFIG_REFERENCE', `there is no load ${name}`);
  const { views, schema, database } = spec;
  const within = schema ?? database;
  const connection = connectionNamed(spec.connection, project);
  const place = within === undefined ? {} : { within };
  return { id: `${project.name}/${name}`, root: project.root, connection, views, ...place };
}

function connectionNamed(name: string, project: Pick<Project, 'connections'>): Connection {
  const entry = project.connections[name];
  if (entry === undefined) throw new DataflowError('E_CONFIG_REFERENCE', `there is no connection ${name}`);
  return { name, type: entry.type, options: entry.options };
}

/** The engine of this machine: beside one on other machines it is the one that needs nothing. */
async function openEngine(spec: EngineSpec, temp_folder: string): Promise<Engine> {
  mkdirSync(temp_folder, { recursive: true, mode: 0o700 });
  const { open } = await named(ENGINES, 'engine', spec.type);
  if (open !== undefined) return open(spec, { temp_folder });
  return (await import('./engines/duckdb/engine.ts')).component.open({ type: 'duckdb' }, { temp_folder });
}
