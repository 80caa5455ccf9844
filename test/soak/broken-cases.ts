import type { Edit } from '../support/broken-build.ts';

/** A mistake in the program that the tests of fault cases have to notice. */
export interface CaseMistake {
  readonly name: string;
  /** Every one of these cases has a test that turns red. */
  readonly cases: readonly number[];
  /** Mostly one; where one safeguard backs another, both have to be gone. */
  readonly edits: readonly Edit[];
}

function mistake(cases: readonly number[], name: string, file: string, from: string, to: string): CaseMistake {
  return { name, cases, edits: [{ file: `src/${file}`, from, to }] };
}

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

const INPUTS: readonly CaseMistake[] = [
  mistake(
    [21, 22],
    'content that is loaded already is not recognised',
    'medallion/bronze/intake.ts',
    'else if (twin !== undefined) records',
    'else if (twin === undefined && seen.size < 0) records',
  ),
  mistake(
    [23],
    'a file with new content is added to its old rows',
    'medallion/bronze/intake.ts',
    "replaces: before?.status === 'loaded' && step.node.spec.on_rewrite === 'replace',",
    'replaces: false,',
  ),
  mistake(
    [24],
    'a file is not looked at again after it was read',
    'medallion/bronze/run-bronze.ts',
    'if (await source.unchangedSince(unit)) continue;',
    'if (units.includes(unit)) continue;',
  ),
  mistake(
    [24],
    'files are taken while they are written',
    'connectors/files/finding.ts',
    'if (age_ns < this.#settle_ns && age_ns > -this.#settle_ns) {',
    'if (age_ns < -this.#settle_ns && age_ns > this.#settle_ns) {',
  ),
  mistake(
    [25],
    'a gzip file that is cut in its trailer is taken',
    'formats/stream/gzip.ts',
    'if (trailer === undefined)\n',
    'if (trailer === undefined) return;\n    if (trailer.length < 8)\n',
  ),
  mistake(
    [25],
    'the checksum of gzip is not compared',
    'formats/stream/gzip.ts',
    'if (trailer.readUInt32LE(0) !== crc)',
    'if (trailer.readUInt32LE(0) !== crc && trailer.length < 0)',
  ),
  mistake(
    [26],
    'the checksums of Parquet pages are not compared',
    'formats/parquet/pages.ts',
    '!== header.crc)',
    '=== header.crc + 0.5)',
  ),
  mistake(
    [26],
    'a reader that is lost fails the whole run',
    'medallion/bronze/isolate.ts',
    "return error.code === 'E_READER' || (",
    'return (',
  ),
  mistake(
    [27],
    'a header that lacks columns is not refused',
    'medallion/bronze/parse.ts',
    'missing.length > 0 &&\n    (missing.length',
    'missing.length > 1_000 &&\n    (missing.length',
  ),
  mistake(
    [28],
    'a quote that is never closed is overlooked',
    'formats/csv/scan.ts',
    'if (this.#state === STATE.QUOTED || this.#state === STATE.ESCAPED) {',
    'if (this.#opened_line < 0) {',
  ),
  mistake(
    [29],
    'a cast may change a value',
    'engines/duckdb/parse-parts.ts',
    "else ${loss ?? 'false'} end`;",
    "else ${loss === undefined ? 'false' : 'false'} end`;",
  ),
  mistake(
    [30],
    'records in doubt are not read strictly',
    'medallion/bronze/parse.ts',
    '...(first.inspection.doubtful_records === true ? { strict_records: true } : {}),',
    '',
  ),
  mistake(
    [31],
    'frozen columns take others in',
    'medallion/bronze/parse.ts',
    "if (extra.length > 0 && step.node.spec.schema_change === 'freeze') {",
    'if (extra.length > 1_000) {',
  ),
  mistake(
    [32],
    'a file that is looked at is kept in memory',
    'formats/stream/raw.ts',
    'this.#hash.update(chunk);',
    '((this as { kept?: Buffer[] }).kept ??= []).push(Buffer.from(chunk));\n    this.#hash.update(chunk);',
  ),
  mistake(
    [33],
    'names are told apart only after Unicode made them one',
    'connectors/files/walk.ts',
    'const path = prefix + inside;',
    "const path = (prefix + inside).normalize('NFC');",
  ),
  mistake(
    [34],
    'the ratio of expansion has no limit',
    'formats/stream/expand.ts',
    "if (compression !== 'none' && facts.expanded_bytes > ratioBytes) {",
    "if (compression !== 'none' && facts.expanded_bytes > ratioBytes * 1_000) {",
  ),
  mistake(
    [34, 35],
    'inputs may lie wherever a link leads',
    'connectors/files/walk.ts',
    'if (!allowed.some((folder) =>',
    'if (!allowed.some((folder) => folder !== target ||',
  ),
  mistake(
    [35],
    'links may lead out of the lake',
    'lake/storage-local.ts',
    'if (real !== root && !real.startsWith(root + sep)) throw',
    'if (real === undefined) throw',
  ),
];

export const CASE_MISTAKES: readonly CaseMistake[] = [...STORAGE, ...RUNS, ...INPUTS];
