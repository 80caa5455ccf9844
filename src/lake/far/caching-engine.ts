import type { Engine, EngineSession, InputFile, SessionOptions } from '../../core/ports/engine.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import type { FileCache } from './file-cache.ts';

/** The part of a lake's storage that brings files here. */
type Bringer = Pick<LakeStorage, 'pathOf' | 'bring'>;

/** An engine that has the files of a lake elsewhere brought here before it opens them. */
export function cachingEngine(engine: Engine, storage: Bringer, cache: FileCache): Engine {
  return {
    type: engine.type,
    version: engine.version,
    openSession: async (options) => cachingSession(await engine.openSession(options), storage, options),
    ...(engine.warm === undefined ? {} : { warm: () => engine.warm?.() }),
    ...(engine.readerUsage === undefined
      ? {}
      : { readerUsage: () => engine.readerUsage?.() ?? { cpu_ms: 0, peak_memory_bytes: 0 } }),
    close: async () => {
      await engine.close();
      await cache.trim();
    },
  };
}

const NEVER = new AbortController().signal;

function cachingSession(session: EngineSession, storage: Bringer, { signal = NEVER }: SessionOptions): EngineSession {
  const bring = async (files: readonly (InputFile & { readonly sha256?: string })[]): Promise<void> => {
    const wanted = files.flatMap(({ uri, size_bytes, sha256 }) => {
      const path = storage.pathOf(uri);
      return path === undefined ? [] : [{ path, size_bytes, ...(sha256 === undefined ? {} : { sha256 }) }];
    });
    if (wanted.length > 0) await storage.bring?.(wanted, signal);
  };
  return {
    bind: async (relation) => {
      await bring(relation.files);
      await session.bind(relation);
    },
    countRows: async (files) => {
      await bring(files);
      return session.countRows(files);
    },
    define: (...asked) => session.define(...asked),
    materialize: (...asked) => session.materialize(...asked),
    describe: (...asked) => session.describe(...asked),
    tablesOf: (...asked) => session.tablesOf(...asked),
    syntaxOf: (...asked) => session.syntaxOf(...asked),
    sqlOf: (...asked) => session.sqlOf(...asked),
    rows: (...asked) => session.rows(...asked),
    stream: (...asked) => session.stream(...asked),
    write: (...asked) => session.write(...asked),
    parse: (...asked) => session.parse(...asked),
    exportFile: (...asked) => session.exportFile(...asked),
    exportBytes: (...asked) => session.exportBytes(...asked),
    infer: (...asked) => session.infer(...asked),
    usage: () => session.usage(),
    progress: () => session.progress?.(),
    close: () => session.close(),
  };
}
