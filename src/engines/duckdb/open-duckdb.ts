import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, version } from '@duckdb/node-api';
import type { EngineSpec } from '../../core/model/project.ts';
import { type EngineLimits, engineLimits } from '../../core/planning/engine-limits.ts';
import type { Engine, EngineSession, SessionOptions } from '../../core/ports/engine.ts';
import { machineLimits } from '../../kit/machine.ts';
import { quoteText } from '../../kit/sql.ts';
import { engineError } from './errors.ts';
import { findReader, ReaderPool } from './reader-pool.ts';
import { DuckDbSession } from './session.ts';
import { SparedCore } from './spared-core.ts';
import { PREPARATION, Workplaces } from './workplaces.ts';

/**
 * Opens the embedded engine: one in-memory instance (limits are per instance), made when the first session needs it; one connection and
 * one attached database a session.
 */
export async function openDuckDb(spec: EngineSpec, options: { readonly temp_folder: string }): Promise<Engine> {
  await mkdir(options.temp_folder, { recursive: true, mode: 0o700 });
  const machine = machineLimits();
  const limits = engineLimits(spec, machine);
  const settings = settingsFor(spec, limits, join(options.temp_folder, 'spill'));
  const entry = findReader();
  const readers =
    entry === undefined ? undefined : new ReaderPool({ ...limits, entry, settings, temp_folder: options.temp_folder });
  let shared: Shared | undefined;
  const all: Shared[] = [];
  const sharedNow = (): Shared => {
    if (shared === undefined) {
      const spared = new SparedCore(limits.threads, machine.cpus);
      shared = { instance: create(settings), workplaces: new Workplaces(), spared };
      all.push(shared);
    }
    return shared;
  };
  return {
    type: 'duckdb',
    version: version(),
    openSession: async (session) => {
      if (session.sandbox !== undefined) return sandboxed(settings, session);
      if (session.small !== undefined) {
        const left = limits.memory_bytes - (await usedBytes(shared?.instance));
        const memory_bytes = Math.max(left, Math.floor(limits.memory_bytes / 2));
        return small({ ...settings, memory_limit: `${memory_bytes}B` }, session, readers);
      }
      const used = sharedNow();
      const onLost = (): void => {
        if (shared === used) shared = undefined;
      };
      const told = { ...session, onLost, spared: used.spared };
      return await used.workplaces.session(await used.instance, told, readers).catch((error) => {
        onLost();
        throw engineError(error);
      });
    },
    warm: () => void sharedNow().instance.catch(() => undefined),
    readerUsage: () => readers?.usage() ?? { cpu_ms: 0, peak_memory_bytes: 0 },
    close: async () => {
      await readers?.close();
      for (const { instance, workplaces } of all.splice(0)) {
        workplaces.close();
        (await instance.catch(() => undefined))?.closeSync();
      }
      shared = undefined;
    },
  };
}

/** The instance that sessions share; another takes its place when it is lost. */
interface Shared {
  readonly instance: Promise<DuckDBInstance>;
  readonly workplaces: Workplaces;
  readonly spared: SparedCore;
}

async function create(settings: Readonly<Record<string, string>>): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(':memory:', { ...settings });
  } catch (error) {
    throw engineError(error);
  }
}

/** Values of one partition column beyond which a value may get several files; each open file costs memory and a file descriptor. */
const OPEN_FILES_MAX = 1_000;

function settingsFor(spec: EngineSpec, limits: EngineLimits, spill_folder: string): Readonly<Record<string, string>> {
  const { temp_limit, extension_directory } = spec;
  return {
    threads: String(limits.threads),
    memory_limit: spec.memory_limit ?? `${limits.memory_bytes}B`,
    temp_directory: spill_folder,
    ...(temp_limit === undefined ? {} : { max_temp_directory_size: String(temp_limit) }),
    ...(extension_directory === undefined ? {} : { extension_directory: String(extension_directory) }),
    preserve_insertion_order: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    errors_as_json: 'true',
    partitioned_write_max_open_files: String(OPEN_FILES_MAX),
  };
}

/** Memory that the engine of the other sessions holds at the moment. */
async function usedBytes(shared: Promise<DuckDBInstance> | undefined): Promise<number> {
  if (shared === undefined) return 0;
  const connection = await (await shared).connect();
  try {
    const result = await connection.runAndReadAll('select sum(memory_usage_bytes)::bigint from duckdb_memory()');
    return Number(result.getRows()[0]?.[0] ?? 0);
  } finally {
    connection.closeSync();
  }
}

/** Threads and the order of rows are settings of an instance, so a session with fewer has one of its own. */
async function small(
  settings: Readonly<Record<string, string>>,
  options: SessionOptions,
  readers: ReaderPool | undefined,
): Promise<EngineSession> {
  const instance = await create({
    ...settings,
    threads: '1',
    preserve_insertion_order: String(options.small?.any_order !== true),
    temp_directory: `${settings['temp_directory']}-small-${randomUUID()}`,
  });
  const connection = await instance.connect();
  const dispose = async (): Promise<void> => {
    connection.closeSync();
    instance.closeSync();
  };
  const session = new DuckDbSession(connection, options, dispose, readers);
  await connection.run(PREPARATION.join(';\n'));
  return session;
}

/** The settings that lock an engine in are for good and for the whole instance: so an instance of its own. */
async function sandboxed(settings: Readonly<Record<string, string>>, options: SessionOptions): Promise<EngineSession> {
  const instance = await create(settings);
  const connection = await instance.connect();
  const session = new DuckDbSession(connection, options, async () => {
    connection.closeSync();
    instance.closeSync();
  });
  await connection.run(PREPARATION.join(';\n'));
  const folders = (options.sandbox?.allowed_folders ?? []).map((folder) =>
    quoteText(folder.endsWith('/') ? folder : `${folder}/`),
  );
  const allowed = `allowed_directories=[${folders.join(', ')}]`;
  for (const setting of [allowed, 'enable_external_access=false', 'lock_configuration=true']) {
    await connection.run(`set ${setting}`);
  }
  return session;
}
