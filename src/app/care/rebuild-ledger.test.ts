import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteFor } from '../../core/model/step-note.ts';
import { parseTableKey, type TableId, tableKey } from '../../core/model/table.ts';
import type { CommitNote, HistoryEntry, Lake } from '../../core/ports/lake.ts';
import type { InputRecord, StepOutcome } from '../../core/ports/ledger.ts';
import { openLedger } from '../../ledger/open-ledger.ts';
import { rebuildLedger } from './rebuild-ledger.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataflow-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A lake of which only the history can be asked. */
class HistoryLake {
  readonly commits = new Map<string, HistoryEntry[]>();

  commit(table: string, committed_at_ms: number, note?: CommitNote): number {
    const entries = this.commits.get(table) ?? [];
    const version = entries.length;
    const entry = { version, committed_at_ms, operation: 'WRITE', files_added: 1, files_removed: 0 };
    this.commits.set(table, [
      ...entries,
      note === undefined ? entry : { ...entry, note: JSON.parse(JSON.stringify(note)) as CommitNote },
    ]);
    return version;
  }

  asLake(): Lake {
    const unused = (): never => {
      throw new Error('a rebuild reads the history only');
    };
    const entries = (table: TableId): readonly HistoryEntry[] => this.commits.get(tableKey(table)) ?? [];
    return {
      tables: async () => [...this.commits.keys()].flatMap((key) => parseTableKey(key) ?? []),
      // Newest first, as some lakes answer.
      history: async (table) => [...entries(table)].reverse(),
      onlyRearranged: () => Promise.resolve(false),
      latestVersion: async (table) => entries(table).at(-1)?.version,
      snapshot: unused,
      changes: unused,
      stage: unused,
      candidates: unused,
      commit: unused,
      previewRestore: unused,
      restore: unused,
      recordRelease: unused,
      releases: async () => [],
      keepRelease: unused,
      discardStaging: unused,
      leftovers: unused,
    };
  }
}

const T = Date.parse('2026-11-21T06:30:00.000Z');

function outcome(run_id: string, step: string, n: number, more: Partial<StepOutcome> = {}): StepOutcome {
  return {
    step: {
      run_id,
      step_id: `${run_id}-${step}`,
      step,
      status: 'succeeded',
      reason: 'never built',
      mode: 'full',
      code_fingerprint: `f${n}`,
      inputs: { 'bronze.achats': n },
      balance: { rows_in: n + 1, rows_out: n, quarantined: 1, deduplicated: 0, filtered: 0 },
      tests: [{ test: 't', severity: 'fail', passed: true, failures: 0, message: 'ok' }],
      resources: { wall_ms: 5, cpu_ms: 4, peak_memory_bytes: 3, bytes_read: 2, bytes_written: 1 },
      started_at: new Date(T + n).toISOString(),
      finished_at: new Date(T + n + 1).toISOString(),
    },
    ...more,
  };
}

function file(path: string, sha256: string, run_id: string): InputRecord {
  return {
    source: 'achats',
    path,
    size_bytes: 9,
    mtime_ns: '1763709386123456789',
    inode: '7',
    sha256,
    status: 'loaded',
    run_id,
    records: 3,
    rejected: 1,
    first_record_line: 2,
    multiline_records: false,
  };
}

const DIALECT = {
  source: 'achats',
  dialect: { delimiter: ';', quote: '"', escape: '"', has_header: true, skip_lines: 0 },
};

/** The outcomes of two runs, each written to the lake with its note, as a run does. */
function twoRuns(lake: HistoryLake): readonly StepOutcome[] {
  const outcomes = [
    outcome('r1', 'bronze.achats', 0, {
      inputs: [file('a.csv', 'aa', 'r1'), { ...file('b.csv', 'aa', 'r1'), status: 'duplicate', same_as: 'a.csv' }],
      quarantine: [{ run_id: 'r1', table: 'bronze.achats', rule: 'unreadable_record', file: 'a.csv', rows: 1 }],
      dialect: DIALECT,
    }),
    outcome('r1', 'silver.achats', 1, {
      quarantine: [{ run_id: 'r1', table: 'silver.achats', rule: 'not_null', file: 'a.csv', rows: 4 }],
      replaces_quarantine: true,
    }),
    outcome('r2', 'bronze.achats', 2, { inputs: [file('a.csv', 'a2', 'r2')] }),
    outcome('r2', 'silver.achats', 3, {
      quarantine: [{ run_id: 'r2', table: 'silver.achats', rule: 'not_null', file: 'a.csv', rows: 6 }],
      replaces_quarantine: true,
    }),
  ];
  return outcomes.map((one, i) => {
    const version = lake.commit(one.step.step, T + i * 1000, noteFor(one));
    const inputs = one.inputs?.map((input) => (input.status === 'loaded' ? { ...input, version } : input));
    return { ...one, step: { ...one.step, output_version: version }, ...(inputs === undefined ? {} : { inputs }) };
  });
}

/** Everything that freshness, status and intake ask a ledger. */
async function answers(): Promise<unknown> {
  const ledger = await openLedger({ folder, read_only: true });
  try {
    return {
      steps: [...ledger.steps('r1'), ...ledger.steps('r2')],
      latest: ledger.latestSteps(),
      bronze: ledger.lastSuccess('bronze.achats'),
      known: [...ledger.knownInputs('achats')],
      inputs: ledger.inputs(),
      by_hash: [ledger.inputByHash('achats', 'aa'), ledger.inputByHash('achats', 'a2')],
      dialect: ledger.dialect('achats'),
      quarantine: ledger.quarantine(),
    };
  } finally {
    ledger.close();
  }
}

describe('case 12: the ledger made anew from the lake', () => {
  it('answers as the one that was lost', async () => {
    const lake = new HistoryLake();
    const outcomes = twoRuns(lake);
    const ledger = await openLedger({ folder });
    for (const one of outcomes) ledger.finishStep(one);
    ledger.close();
    const before = await answers();
    writeFileSync(join(folder, 'ledger.db'), 'damaged');
    const report = await rebuildLedger({ lake: lake.asLake(), folder, openLedger });
    expect(report).toMatchObject({ tables: 2, runs: 2, inputs: 2, steps: 4 });
    expect(await answers()).toEqual(before);
  });

  it('knows the runs and one release of the newest versions', async () => {
    const lake = new HistoryLake();
    twoRuns(lake);
    lake.commit('silver.achats', T + 9000, { run_id: 'm', step_id: 'm', step: 'compact' });
    lake.commit('gold.foreign', T);
    lake.commit('quarantine.silver_achats', T, { run_id: 'r1', step_id: 'x', step: 'quarantine of silver.achats' });
    await rebuildLedger({ lake: lake.asLake(), folder, openLedger });
    const ledger = await openLedger({ folder, create: false });
    expect(ledger.runs(9)).toMatchObject([
      {
        run_id: 'r2',
        status: 'succeeded',
        started_at: '2026-11-21T06:30:00.002Z',
        finished_at: '2026-11-21T06:30:00.004Z',
      },
      {
        run_id: 'r1',
        status: 'succeeded',
        started_at: '2026-11-21T06:30:00.000Z',
        finished_at: '2026-11-21T06:30:00.002Z',
      },
    ]);
    expect(ledger.releases(9)).toMatchObject([{ run_id: 'r2', tables: { 'bronze.achats': 1, 'silver.achats': 2 } }]);
    ledger.close();
  });

  it('takes the releases that commits name', async () => {
    const lake = new HistoryLake();
    const release = { release_id: 'x', run_id: 'r1', created_at: new Date(T).toISOString(), tables: { 'gold.kpi': 0 } };
    lake.commit('gold.kpi', T, noteFor(outcome('r1', 'gold.kpi', 0), release));
    await rebuildLedger({ lake: lake.asLake(), folder, openLedger });
    const ledger = await openLedger({ folder });
    expect(ledger.releases(9)).toEqual([release]);
    ledger.close();
  });

  it('keeps the order of versions when a clock went back', async () => {
    const lake = new HistoryLake();
    for (const [n, at] of [5000, 1000, 3000].entries())
      lake.commit('gold.kpi', T + at, noteFor(outcome(`r${n}`, 'gold.kpi', n)));
    await rebuildLedger({ lake: lake.asLake(), folder, openLedger });
    const ledger = await openLedger({ folder });
    expect(ledger.lastSuccess('gold.kpi')).toMatchObject({ run_id: 'r2', output_version: 2 });
    ledger.close();
  });

  it('keeps the damaged files and leaves nothing else behind', async () => {
    const lake = new HistoryLake();
    twoRuns(lake);
    writeFileSync(join(folder, 'ledger.db'), 'damaged');
    writeFileSync(join(folder, 'ledger.db-wal'), 'old log');
    const { kept_as } = await rebuildLedger({ lake: lake.asLake(), folder, openLedger });
    const names = readdirSync(folder).sort();
    expect(names).toEqual(['ledger.db', kept_as, `${kept_as}-wal`]);
    expect(readFileSync(join(folder, kept_as ?? ''), 'utf8')).toBe('damaged');
    expect(statSync(join(folder, 'ledger.db')).mode & 0o777).toBe(0o600);
  });

  it('of an empty lake is an empty ledger', async () => {
    expect(await rebuildLedger({ lake: new HistoryLake().asLake(), folder, openLedger })).toEqual({
      tables: 0,
      runs: 0,
      inputs: 0,
      steps: 0,
    });
    const ledger = await openLedger({ folder, create: false });
    expect([ledger.runs(1), ledger.latestRelease()]).toEqual([[], undefined]);
    ledger.close();
  });

  it('is refused while a live process works with a sound one, and fences what it cannot ask', async () => {
    const lake = new HistoryLake();
    twoRuns(lake);
    const ledger = await openLedger({ folder });
    const lock = ledger.lock('pipeline:p', 'dataflow run');
    await expect(rebuildLedger({ lake: lake.asLake(), folder, openLedger })).rejects.toThrowError(
      expect.objectContaining({ code: 'E_LOCKED', message: expect.stringContaining(hostname()) }),
    );
    lock.check();
    lock.release();
    const second = ledger.lock('pipeline:p', 'dataflow run');
    second.release();
    await rebuildLedger({ lake: lake.asLake(), folder, openLedger });
    expect(() => second.check()).toThrowError(expect.objectContaining({ code: 'E_LOCK_LOST' }));
    ledger.close();
    const fresh = await openLedger({ folder });
    expect(fresh.lock('pipeline:p', 'next').token).toBeGreaterThan(second.token);
    fresh.close();
  });

  it('is refused for a ledger of a newer dataflow and for notes that are damaged; the old one stays', async () => {
    const lake = new HistoryLake();
    twoRuns(lake);
    writeFileSync(join(folder, 'ledger.db'), 'damaged');
    lake.commit('gold.kpi', T, { ...noteFor(outcome('r1', 'gold.kpi', 0)), balance: 'lost' });
    await expect(rebuildLedger({ lake: lake.asLake(), folder, openLedger })).rejects.toThrowError(
      expect.objectContaining({ code: 'E_LAKE_CORRUPT' }),
    );
    lake.commits.delete('gold.kpi');
    lake.commit('gold.kpi', T, { ...noteFor(outcome('r1', 'gold.kpi', 0)), format: 2 });
    await expect(rebuildLedger({ lake: lake.asLake(), folder, openLedger })).rejects.toThrowError(
      expect.objectContaining({ code: 'E_LEDGER_NEWER' }),
    );
    expect(readdirSync(folder)).toEqual(['ledger.db']);
  });
});
