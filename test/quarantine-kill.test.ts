import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seeded } from './soak/random.ts';
import { shareWork } from './support/asker.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/**
 * Fix, replay and discard are killed (SIGKILL) at their fault points; the same command again, and a plain run in its place, must give
 * what an undisturbed one gives: tables, quarantine and states.
 */
const CONFIG = `sources:
  a: { type: files, path: in/a*.csv, settle_seconds: 0, columns: { id: bigint, t: bigint, v: varchar } }
silver:
  a: { from: a, select: { v: "try_cast(v as integer)" }, rules: [ { not_null: v, name: v_valide } ], key: id, dedupe: { keep: last } }
gold:
  n: { sql: "select count(*) as n, sum(v) as total from silver.a" }
`;
const FILES = { 'in/a1.csv': 'id,t,v\n1,1,1\n2,x,2\n3,1,"3,"\n4,1,"4,"\n4,1,5\n5,1,z\n' };

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'fix of silver': ['quarantine', 'fix', 'silver.a', '--set', "v = replace(v, ',', '')"],
  'fix of bronze': ['quarantine', 'fix', 'bronze.a', '--set', "t = replace(t, 'x', '7')"],
  'replay that fails again': ['quarantine', 'replay', 'bronze.a'],
  'discard of silver': ['quarantine', 'discard', 'silver.a', '--reason', 'essai'],
  'discard of bronze': ['quarantine', 'discard', 'bronze.a', '--reason', 'essai'],
};
/** Kills of each command, at random passes of its fault points; `npm run soak:kill` has every one of fix, replay and discard. */
const KILLS = Number(process.env['DATAFLOW_QUARANTINE_KILLS'] ?? 2);
const seed = Number(process.env['DATAFLOW_PROPERTY_SEED'] ?? Date.now() % 1_000_000);
const random = seeded(seed);

const root = mkdtempSync(join(tmpdir(), 'dataflow-quarantine-kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function copyOf(place: Place): Place {
  const folder = join(root, `p${++count}`);
  cpSync(place.folder, folder, { recursive: true, preserveTimestamps: true });
  return newPlace(CONFIG, { folder });
}

/** What a person sees afterwards; run ids and times apart. */
function seen(place: Place): unknown {
  const groups = JSON.parse(
    place.dataflow(['quarantine', '--state', 'all', '--format', 'json']).stdout,
  ) as readonly Record<string, unknown>[];
  const rows = (from: string, order = ''): string => `(select cast(list(x${order}) as varchar) from ${from} as x)`;
  const tables = place.query(
    `select ${rows('bronze.a')} as bronze, ${rows('silver.a', ' order by x.id')} as silver, ${rows('gold.n')} as gold,
       ${rows('(select quarantine_id, reason, raw from quarantine.silver_a)', ' order by x.quarantine_id')} as open_silver,
       ${rows('(select quarantine_id, raw from quarantine.bronze_a)', ' order by x.quarantine_id')} as open_bronze`,
  );
  const states = groups.map((one) => `${one['state']} ${one['table']} ${one['rule']} ${one['rows']}`).sort();
  return { tables, states };
}

let start: Place;
beforeAll(() => {
  start = newPlace(CONFIG, { folder: join(root, 'start') });
  start.put(FILES);
  expectDone(start.dataflow(['run']));
}, 120_000);

describe.each(Object.entries(COMMANDS))('%s', (_, args) => {
  it('killed anywhere and given again, after a plain run or at once', { timeout: 600_000 }, () => {
    const undisturbed = copyOf(start);
    const traced = undisturbed.dataflow(args, { DATAFLOW_FAULT: 'any:trace' });
    expect([0, 4], traced.stderr).toContain(traced.status);
    const goal = seen(undisturbed);
    const passes = [...traced.stderr.matchAll(/^fault point /gm)].length;
    expect(passes).toBeGreaterThan(20);
    for (let i = 0; i < KILLS; i++) {
      // One from each part of the way.
      const nth = 1 + Math.floor(((i + random.share()) * passes) / KILLS);
      const place = copyOf(start);
      const killed = place.dataflow(args, { DATAFLOW_FAULT: `any:kill@${nth}` });
      const at = `${killed.stderr.trim().split('\n').at(-1)}, pass ${nth}, seed ${seed}`;
      expect(killed.signal, at).toBe('SIGKILL');
      // Once the decision is in the lake a plain run does the rest; before that only the person can give it again.
      if (random.share() < 0.5) expect(place.dataflow(['run']).status, at).toBe(0);
      const again = place.dataflow(args);
      expect([0, 4], `${at} ${again.stdout}${again.stderr}`).toContain(again.status);
      expect(seen(place), at).toEqual(goal);
      place.remove();
    }
  });
});
