import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SourceProject } from '../src/connectors/testing/source-project.ts';

const can_mount =
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
if (!can_mount) console.log('skipped the disk that is too small for a pull: mounting is not permitted');

it.skipIf(!can_mount)(
  'a pull stops before it fills the disk; what was landed is kept and used',
  async () => {
    const rows = 400_000;
    const project = new SourceProject({ source: { type: 'fake', rows, unit_records: 50_000 } });
    const lake = join(project.root, 'lake');
    mkdirSync(lake);
    const landed = (): number =>
      readdirSync(join(lake, '_dataflow', 'landing', 's')).filter((name) => /^\d{9}\.json$/.test(name)).length;
    try {
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', lake]).status).toBe(0);
      const stopped = await project.run(['ingest']);
      expect(stopped.status).toBe(5);
      expect(stopped.stderr).toContain('E_LAKE_SPACE');
      expect(stopped.stderr).toMatch(/were landed and have to come into the lake, but only [\d.]+ MB are free/);
      const kept = landed();
      expect(kept).toBeGreaterThan(0);
      expect(spawnSync('mount', ['-o', 'remount,size=400m', lake]).status).toBe(0);
      const done = await project.ok(['run', '--verbose']);
      expect(`${done.stdout}${done.stderr}`).toMatch(/^bronze\.s: about .* in; .* out;/m);
      const steps = await project.query('select count(*) as n, count(distinct id) as keys from bronze.s');
      expect(steps.map((row) => [Number(row['n']), Number(row['keys'])])).toEqual([[rows, rows]]);
      // What was landed before is the first batch, and was not asked for again.
      const [first] = await project.query(
        "select count(distinct _file) as n from bronze.s where starts_with(_file, 's/00000001/')",
      );
      expect(Number(first?.['n'])).toBe(kept);
      await project.ok(['verify']);
    } finally {
      spawnSync('umount', [lake]);
      project.remove();
    }
  },
  120_000,
);
