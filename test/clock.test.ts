import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** Tables whose SQL reads the time of the run are other ones on another day, although nothing else changed. */
const CONFIG = `sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, jour: date } }
silver:
  a: { from: a, key: id }
  ages: { from: a, select: { jours: "current_date - jour" }, key: id }
gold:
  total: { sql: "select count(*) as n from silver.a" }
  recent: { sql: "select count(*) as n from silver.a where jour > now() - interval 7 day" }
`;
let place: Place;
afterEach(() => place.remove());

describe('a table whose SQL reads the time of the run', () => {
  it('is computed again on another day, and says why before and after', () => {
    place = newPlace(CONFIG);
    place.put({ 'in/a.csv': 'id,jour\n1,2025-01-01\n2,2025-01-02\n' });
    const at = (day: string) => ({
      NODE_OPTIONS: `--require=${resolve('test/support/clock.cjs')}`,
      DATAFLOW_TEST_CLOCK: `=${Date.parse(day)}`,
    });
    const on = (day: string, ...args: readonly string[]) => place.dataflow(args, at(day));
    expectDone(on('2026-11-20T10:00:00Z', 'run'));
    const same = on('2026-11-20T23:59:00Z', 'run');
    expect(same.stdout).toContain('nothing to do');
    const plan = JSON.parse(on('2026-11-21T00:01:00Z', 'plan', '--format', 'json').stdout) as readonly {
      readonly step: string;
      readonly action: string;
      readonly mode: string;
      readonly reason: string;
    }[];
    const runs = plan.filter((one) => one.action === 'run');
    expect(runs.map(({ step, mode, reason }) => [step, mode, reason])).toEqual([
      ['silver.ages', 'full', 'its SQL reads current_date, and it was computed on another day (2026-11-20)'],
      ['gold.recent', 'full', 'its SQL reads now, and it was computed on another day (2026-11-20)'],
    ]);
    const run = on('2026-11-21T00:01:00Z', 'run', '--format', 'json');
    expectDone(run);
    const why = on('2026-11-21T00:01:00Z', 'why', 'gold.recent').stdout;
    expect(why).toContain('because its SQL reads now, and it was computed on another day (2026-11-20)');
    expect(why.replace(/\s+/g, ' ')).toContain(
      'clock: its SQL reads now; computed again when it is run on another day',
    );
    expect(on('2026-11-21T00:02:00Z', 'run').stdout).toContain('nothing to do');
    expect(place.status().get('gold.total')?.version).toBe(0);
  });
});
