import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultPointsInSource, OUT_OF_REACH } from './fault-points.ts';
import { playable } from './kill-scenarios.ts';
import { pointTrials, randomTrial, runTrial, type Stage, setStage, type Trial } from './kill-soak.ts';
import { type LakeReader, openLakeReader, PYTHON } from './lake-reader.ts';
import { seeded } from './random.ts';

/**
 * Cases 1 and 2 of the fault catalogue: the program is killed (SIGKILL) at its fault points and at random instants; each kill must leave
 * tables that show one whole version, and a plain second try must give the rows of an undisturbed run, read by delta-rs. This is a slice
 * of `npm run soak:kill`, limited in time.
 */
const BUDGET_MS = Number(process.env['DATAFLOW_SOAK_SECONDS'] ?? 12) * 1000;
const KILLS_MIN = 5;
const seed = Number(
  process.env['DATAFLOW_SOAK_SEED'] ?? process.env['DATAFLOW_PROPERTY_SEED'] ?? Date.now() % 1_000_000,
);
const root = mkdtempSync(join(tmpdir(), 'dataflow-kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

if (PYTHON === undefined)
  console.log('skipped the kill tests: DATAFLOW_PYTHON is not set, and they read with delta-rs');

describe.skipIf(PYTHON === undefined)('kill -9', { timeout: 240_000 }, () => {
  const random = seeded(seed);
  const stages: Stage[] = [];
  let reader: LakeReader;
  beforeAll(async () => {
    reader = openLakeReader();
    for (const scenario of playable()) stages.push(await setStage(scenario, root, reader));
  }, 120_000);
  afterAll(() => reader?.close());

  /** Kills once; no violation is allowed. */
  async function strike(trial: Trial): Promise<number> {
    const stage = stages.find(({ scenario }) => scenario.name === trial.scenario);
    if (stage === undefined) throw new Error(`no scenario ${trial.scenario}`);
    const { violations, kills } = await runTrial(stage, trial, join(root, 'trial'), reader);
    expect(violations, `${JSON.stringify(trial)}, seed ${seed}`).toEqual([]);
    return kills;
  }

  it('case 1: at fault points and random instants of every verb that writes to the lake', async () => {
    const { named, rest } = pointTrials(stages, random);
    const points = [...named, ...rest].values();
    const started = Date.now();
    let kills = 0;
    // On a machine that has much to do some kills are still made.
    for (let i = 0; Date.now() - started < BUDGET_MS || kills <= KILLS_MIN; i++) {
      const point = i % 3 === 2 ? undefined : points.next().value;
      kills += await strike(point ?? randomTrial(stages, i, random));
    }
    expect(kills).toBeGreaterThan(KILLS_MIN);
    console.log(`${kills} kills of ${stages.map(({ scenario }) => scenario.name).join(', ')} (seed ${seed})`);
  });

  it.each(['after-log-create', 'after-publish', 'after-table-commit', 'before-ledger-write', 'during-ledger-write'])(
    'case 2: between the commit of the data and that of the ledger: %s',
    async (name) => {
      expect(await strike({ id: name, scenario: 'merge', kill: { point: { name, nth: 2 } }, again_ms: [] })).toBe(1);
    },
  );

  it('every fault point in the source is passed by some scenario', () => {
    const passed = new Set(stages.flatMap(({ passes }) => [...passes.keys()]));
    expect(faultPointsInSource().filter((name) => !passed.has(name) && OUT_OF_REACH[name] === undefined)).toEqual([]);
    expect(faultPointsInSource().length).toBeGreaterThan(15);
    expect(new Set(stages.map(({ scenario }) => scenario.name)).size).toBe(stages.length);
  });
});
