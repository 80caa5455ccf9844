import { utimes } from 'node:fs/promises';
import type { InputRelation } from '../../core/ports/engine.ts';
import type { ReadEngine, ReadTables } from '../../core/ports/read-engine.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import type { FileCache } from './file-cache.ts';

/** Well within the time after which a file passes for unused. */
const TOUCH_MS = 20 * 60_000;
const NEVER = new AbortController().signal;

/** A server's engine that has the files of a lake elsewhere brought here before they are opened, and keeps them here as long as it reads them. */
export function cachingReadEngine(
  engine: ReadEngine,
  storage: Pick<LakeStorage, 'pathOf' | 'bring'>,
  cache: Pick<FileCache, 'trim'>,
): ReadEngine {
  return {
    get lost() {
      return engine.lost;
    },
    openTables: async () => cachingTables(await engine.openTables(), storage),
    close: async () => {
      await engine.close();
      await cache.trim();
    },
  };
}

function cachingTables(tables: ReadTables, storage: Pick<LakeStorage, 'pathOf' | 'bring'>): ReadTables {
  const held = new Set<string>();
  const bring = async ({ files }: InputRelation): Promise<void> => {
    const wanted = files.flatMap(
      ({ uri, size_bytes, sha256 }: InputRelation['files'][number] & { sha256?: string }) => {
        const path = storage.pathOf(uri);
        return path === undefined ? [] : [{ path, size_bytes, ...(sha256 === undefined ? {} : { sha256 }) }];
      },
    );
    if (wanted.length > 0) await storage.bring?.(wanted, NEVER);
  };
  const timer = setInterval(() => void touch(held), TOUCH_MS);
  timer.unref();
  return {
    bind: async (relation, keep) => {
      await bring(relation);
      await tables.bind(relation, keep);
      if (!keep) for (const { uri } of relation.files) held.add(uri);
    },
    tablesOf: (sql) => tables.tablesOf(sql),
    describe: (question) => tables.describe(question),
    rows: (...asked) => tables.rows(...asked),
    line: (question) => tables.line(question),
    lines: (question) => tables.lines(question),
    arrow: (...asked) => tables.arrow(...asked),
    latest: (...asked) => tables.latest(...asked),
    close: async () => {
      clearInterval(timer);
      await tables.close();
    },
  };
}

/** Other commands of this machine take away what was not used for long. */
async function touch(uris: ReadonlySet<string>): Promise<void> {
  const now = new Date();
  for (const uri of uris) await utimes(uri, now, now).catch(() => undefined);
}
