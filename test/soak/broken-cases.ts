import { INPUT_MISTAKES } from './broken-inputs.ts';
import { type CaseMistake, mistake } from './case-mistake.ts';

const STORAGE: readonly CaseMistake[] = [
  mistake(
    [1],
    'a log entry is written in its place, in two parts',
    'lake/local-files.ts',
    "await writeDurably(temp, content);\n    faultPoint('after-temp-log');\n    linkTo(temp, target);",
    "await writeDurably(target, content.subarray(0, content.length >> 1));\n    faultPoint('after-temp-log');\n    writeFileSync(target, content);",
  ),
  {
    name: 'commits that the ledger does not know are not looked for, nor units of work that a table holds',
    cases: [2],
    edits: [
      {
        file: 'src/app/run/reconcile.ts',
        from: 'latest <= known) continue;\n    // Also',
        to: 'latest >= 0) continue;\n    // Also',
      },
      { file: 'src/lake/commit.ts', from: '>= version)', to: '> version + 1_000_000)' },
    ],
  },
  mistake(
    [3],
    'the fsync of a data file is left out',
    'lake/local-files.ts',
    "faultPoint('data-fsync');\n  await syncToDisk(fd);",
    'void fd;',
  ),
  mistake(
    [4],
    'what failed runs leave behind is never collected',
    'lake/leftovers.ts',
    'return [...orphans, ...temps, ...folders];',
    'return orphans.filter((path) => temps.includes(path) && folders.includes(path));',
  ),
  mistake(
    [5],
    'an fsync that fails is taken for done',
    'lake/local-files.ts',
    'const syncToDisk = promisify(fsync);',
    'const syncToDisk = (fd: number): Promise<void> => promisify(fsync)(fd).catch(() => undefined);',
  ),
  mistake(
    [6],
    'files that no version names are not looked for',
    'lake/care/orphans.ts',
    'if (named.has(path.slice(folder.length + 1))) continue;',
    'if (named.has(path.slice(folder.length + 1)) || path !== folder) continue;',
  ),
  mistake(
    [7],
    'verify does not compare hashes',
    'lake/care/check-files.ts',
    'if (sha256 === expected) return [];',
    'if (sha256 !== undefined) return [];',
  ),
  mistake(
    [8, 9],
    'locks are not respected',
    'ledger/locks.ts',
    "if (holder.state === 'dead') return;",
    'if (holder.scope !== undefined) return;',
  ),
  mistake(
    [9],
    'who lost its lock may still publish',
    'ledger/locks.ts',
    "if (row === undefined || integer(row, 'token') !== token) {",
    'if (row === undefined) {',
  ),
  mistake(
    [10],
    'a version that is there is overwritten',
    'lake/local-files.ts',
    'linkTo(temp, target);\n',
    'renameSync(temp, target);\n',
  ),
  mistake(
    [11],
    'files that a new version leaves out are removed at once',
    'lake/commit.ts',
    'if (created) {\n',
    "if (created) {\n      for (const { uri } of request.remove) await storage.remove(storage.pathOf(uri) ?? 'none');\n",
  ),
];

const RUNS: readonly CaseMistake[] = [
  mistake(
    [12],
    'a ledger that is gone is made anew, empty',
    'ledger/open-writer.ts',
    'if (options.create === false || orphanedLog) throw missingLedger(file);',
    'if (orphanedLog) throw missingLedger(file);',
  ),
  mistake(
    [13],
    'a ledger of a newer version is opened',
    'ledger/migrate.ts',
    'if (version > newest) throw',
    'if (version > newest && version < 0) throw',
  ),
  mistake(
    [14],
    'files are taken back when the answer of a publish is lost',
    'lake/commit.ts',
    'if (!outcome.unknown) await placed.undo();',
    'await placed.undo();',
  ),
  mistake(
    [15],
    'the clock alone says when a version was made',
    'lake/commit.ts',
    'Math.max(Date.now(), state.committed_at_ms + 1)',
    'Date.now()',
  ),
  mistake(
    [16],
    'a run that was interrupted ends as if it had failed',
    'cli/signals.ts',
    '    received = code;',
    '    received = 1;',
  ),
  mistake(
    [17],
    'the second time out of memory is told like the first',
    'app/run/memory-retry.ts',
    'throw isOutOfMemory(again) ? twice(step, small, again) : again;',
    'throw again;',
  ),
  mistake(
    [17],
    'runs that were killed stay open',
    'app/run/dead-runs.ts',
    'return ledger.closeDeadRuns().map(',
    'return ledger.closeDeadRuns().slice(0, 0).map(',
  ),
  mistake(
    [18],
    'a reader that leaves early is an error',
    'cli/sink.ts',
    "if (code === 'EPIPE' || this.#fd === 2) return 0;",
    'if (this.#fd === 2) return 0;',
  ),
  mistake(
    [19],
    'what depends on a failed step runs all the same',
    'app/run/schedule.ts',
    '      ends.set(key, end);',
    "      ends.set(key, end === 'failed' ? 'ok' : end);",
  ),
  mistake(
    [20],
    'data files hold the time at which they were written',
    'engines/duckdb/write.ts',
    "['format parquet', 'compression zstd', 'return_stats true']",
    "['format parquet', 'compression zstd', 'return_stats true', `kv_metadata {at: '${Date.now()}'}`]",
  ),
];

/** What the tests of the cases are held against. */
export const CASE_MISTAKES: readonly CaseMistake[] = [...STORAGE, ...RUNS, ...INPUT_MISTAKES];
