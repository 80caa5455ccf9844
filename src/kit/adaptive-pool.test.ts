import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AdaptivePool } from './adaptive-pool.ts';

describe('AdaptivePool', () => {
  it('does everything once, never more at once than allowed, and more as it goes well', async () => {
    const pool = new AdaptivePool({ at_once_max: 20, weight_max: 1000 });
    const done: number[] = [];
    let now = 0;
    let most = 0;
    await pool.run(
      Array.from({ length: 200 }, (_, i) => i),
      async (item) => {
        most = Math.max(most, ++now);
        await sleep(1);
        now -= 1;
        done.push(item);
      },
    );
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect([most, pool.at_once]).toEqual([20, 20]);
  });

  it('halves when the other side complains, once for complaints that come together, and grows slowly then', async () => {
    let now = 1000;
    const pool = new AdaptivePool({ at_once_max: 8, weight_max: 1 }, () => now);
    pool.complained();
    pool.complained();
    expect(pool.at_once).toBe(4);
    now += 1000;
    pool.complained();
    expect(pool.at_once).toBe(2);
    await pool.run([1, 2], async () => undefined);
    expect(pool.at_once).toBe(3);
  });

  it('holds back what is heavy, and lets it go alone when nothing else helps', async () => {
    const pool = new AdaptivePool({ at_once_max: 8, weight_max: 10 });
    let weight = 0;
    let most = 0;
    await pool.run(
      [4, 4, 4, 50, 1, 1, 9, 9],
      async (item) => {
        weight += item;
        most = Math.max(most, weight === 50 ? 0 : weight);
        await sleep(1);
        weight -= item;
      },
      (item) => item,
    );
    expect(most).toBeLessThanOrEqual(10);
  });

  it('ends with the first error, after what was under way', async () => {
    const pool = new AdaptivePool({ at_once_max: 2, weight_max: 1 });
    const done: number[] = [];
    const work = pool.run([1, 2, 3, 4, 5, 6, 7, 8], async (item) => {
      await sleep(item);
      if (item === 2) throw new Error('two');
      done.push(item);
    });
    await expect(work).rejects.toThrow('two');
    expect(done.length).toBeLessThan(4);
  });
});
