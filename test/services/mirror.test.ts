import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncReport } from '../../src/app/mirror/sync-report.ts';
import { mirrorSoak } from '../soak/mirror-soak.ts';
import { type EventLine, eventsOf } from '../support/event-lines.ts';
import { bucketPlace } from './bucket-place.ts';
import { MirrorProject } from './mirror-project.ts';
import { describeService } from './service.ts';

const PYTHON = process.env['DATAFLOW_PYTHON'];
const WHY_SKIPPED = PYTHON === undefined ? ' — skipped: DATAFLOW_PYTHON names no Python' : '';

/** What delta-rs reads of a table in the bucket. */
const READER = `
import json, os, sys
from deltalake import DeltaTable
url, options = sys.argv[1], json.loads(sys.argv[2])
table = DeltaTable(url, storage_options=options)
rows = table.to_pyarrow_table()
print(json.dumps({"version": table.version(), "rows": rows.num_rows, "sum": str(sum(rows.column("amount").to_pylist()))}), flush=True)
# The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort().
os._exit(0)
`;

describeService('minio', ({ url }) => {
  describe('a mirror in a bucket', { timeout: 240_000 }, () => {
    let place: Awaited<ReturnType<typeof bucketPlace>>;
    let project: MirrorProject;
    const sync = async (...more: readonly string[]): Promise<SyncReport> => {
      const [report] = await project.json<readonly SyncReport[]>('sync', 'far', ...more);
      return report ?? expect.unreachable('it reports');
    };
    const syncEvents = async (...more: readonly string[]): Promise<readonly EventLine[]> => {
      const { stdout } = await project.run('sync', 'far', '--format', 'ndjson', ...more);
      return eventsOf(stdout, 'sync-events.schema.json');
    };
    const endOf = (
      events: readonly EventLine[],
    ): Pick<SyncReport, 'files_put' | 'files_equal' | 'files_there' | 'bytes_resumed'> =>
      events.find(({ event }) => event === 'sync_finished') as never;
    beforeAll(async () => {
      place = await bucketPlace(url);
      project = new MirrorProject(place, { large: true });
      project.day(1);
      expect((await project.run('run')).code).toBe(0);
    });
    afterAll(async () => {
      project.remove();
      await place.clear();
    });

    it('holds what a dry run says it would, and a second sync asks for one listing', async () => {
      const planned = await syncEvents('--dry-run');
      const dry = endOf(planned);
      expect(await place.list()).toEqual([]);
      const killed = await project.faulty('far-before-complete:kill', 'sync');
      expect(killed.stderr).toContain('fault point far-before-complete');
      const events = await syncEvents();
      const first = endOf(events);
      expect([...new Set(events.map(({ event, doing = '' }) => `${event} ${doing}`))]).toEqual([
        'sync_started ',
        'sync_progress comparing',
        'sync_progress putting',
        'sync_progress reading back',
        'sync_finished ',
        'syncs_finished ',
      ]);
      expect([dry, first]).toMatchObject([
        { status: 'planned', files_put: dry.files_put },
        { status: 'synced', left: [], error: null },
      ]);
      expect(events.at(-1)).toMatchObject({ status: 'succeeded', exit_code: 0, synced: 1, failed: 0, error: null });
      expect(first.bytes_resumed).toBeGreaterThan(16 * 1024 * 1024);
      expect(first.files_put + first.files_equal).toBe(dry.files_put);
      const files = planned.filter(({ event }) => event === 'file_planned');
      expect(files.map(({ path }) => path).sort()).toEqual(
        [...(await place.list())].filter((path) => !path.startsWith('_dataflow/')).sort(),
      );
      expect(first.files_there).toBe((await place.list()).length);
      // Each file once, and the marker.
      expect(first.files_there).toBe(dry.files_put + 1);
      const second = await sync();
      expect(second).toMatchObject({ up_to_date: true, files_put: 0, requests: { list: 1 } });
      const verified = await project.run('verify', '--at', 'far');
      expect(verified.code, verified.stdout + verified.stderr).toBe(0);
      expect(verified.stdout).toContain('equal: all');
      expect((await project.run('doctor')).stdout).toMatch(/ok +mirror far/);
      expect((await project.run('trace', 'in/1.csv:3')).stdout).toContain('mirror far of gold.total: version 0 is out');
    });

    it.skipIf(PYTHON === undefined)(`is read by delta-rs${WHY_SKIPPED}`, () => {
      const { host, username, password } = new URL(url);
      const options = {
        ...{ AWS_ENDPOINT_URL: `http://${host}`, AWS_ALLOW_HTTP: 'true', AWS_REGION: 'us-east-1' },
        ...{ AWS_ACCESS_KEY_ID: username, AWS_SECRET_ACCESS_KEY: password },
      };
      const args = ['-c', READER, `s3://${place.bucket}/lake/silver/sales`, JSON.stringify(options)];
      const { stdout, stderr } = spawnSync(PYTHON ?? '', args, { encoding: 'utf8' });
      expect(JSON.parse(stdout || JSON.stringify(stderr))).toEqual({ version: 0, rows: 9, sum: '49.50' });
    });

    it('case 44: takes what is new and nothing else, after a kill at any point too', async () => {
      const points = ['sync-after-put:kill@1', 'sync-after-put:kill@6', 'sync-after-marker:kill'];
      for (const [index, point] of points.entries()) {
        project.day(index + 2);
        expect((await project.run('run')).code).toBe(0);
        const killed = await project.faulty(point, 'sync');
        expect(killed.stderr, point).toContain(`fault point ${point.split(':')[0]}`);
        const next = await sync();
        expect(next.left).toEqual([]);
        // Three tables with a data file and an entry each, and what the quarantine got.
        expect(next.files_put, point).toBeLessThan(9);
        expect((await sync()).up_to_date, point).toBe(true);
      }
      const seed = Date.now() % 1_000_000;
      const soak = await mirrorSoak({ project, kills: 3, seed, say: () => undefined });
      expect(soak.violations, `seed ${seed}`).toEqual([]);
    });

    it('case 44: what others did there is told, left alone, and replaced by force', async () => {
      const [entry = ''] = (await place.list()).filter((path) => path.startsWith('gold/total/_delta_log/'));
      await place.put(entry, '{"commitInfo":{}}\n');
      const refused = await project.run('sync');
      expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('changed there by others')]);
      const check = await project.run('sync', 'check', 'far');
      expect([check.code, check.stdout]).toEqual([1, expect.stringMatching(/! +gold\/total\/_delta_log/)]);
      expect((await project.run('verify', '--at', 'far')).code).toBe(1);
      expect(await sync('--force')).toMatchObject({ files_put: 1, left: [] });
      // A version that somebody committed there.
      await place.put('gold/total/_delta_log/00000000000000000099.json', '{"commitInfo":{}}\n');
      expect((await project.run('sync')).stderr).toContain('a version of others');
      await sync('--force');
      await place.remove(`silver/sales/${await project.publishedFile('silver/sales')}`);
      expect(await sync()).toMatchObject({ files_put: 1, left: [] });
      expect((await project.run('verify', '--at', 'far')).code).toBe(0);
    });

    it('never gets a damaged file, and gives back what was lost', async () => {
      project.day(20);
      expect((await project.run('run')).code).toBe(0);
      const before = await place.list();
      const known = new Set(before);
      const fresh = readdirSync(join(project.folder, 'lake/silver/sales')).find(
        (name) => name.startsWith('part-') && !known.has(`silver/sales/${name}`),
      );
      const file = join(project.folder, 'lake/silver/sales', fresh ?? '');
      const whole = project.read(file);
      const bad = Buffer.from(whole);
      bad[40] = (bad[40] ?? 0) ^ 1;
      writeFileSync(file, bad);
      const refused = await project.run('sync');
      expect([refused.code, refused.stderr]).toEqual([
        4,
        expect.stringContaining('silver.sales was left as it is there'),
      ]);
      expect(await place.list()).not.toContain(`silver/sales/${fresh}`);
      const alone = await project.run('restore', 'far');
      expect([alone.code, alone.stderr]).toEqual([4, expect.stringContaining(`${fresh} of silver.sales is damaged`)]);
      writeFileSync(file, whole);
      expect((await sync()).left).toEqual([]);
      // Damage of what is mirrored: the lake is mended from there.
      writeFileSync(file, bad);
      rmSync(join(project.folder, 'lake/gold/total'), { recursive: true });
      const verified = await project.run('verify', '--format', 'json');
      expect(verified.stdout).toContain('dataflow restore far --table silver.sales');
      const mended = await project.run('restore', 'far');
      expect(mended.code, mended.stderr).toBe(0);
      expect((await project.run('verify')).stdout).toContain('intact');
    });

    it('gives a lake back that is gone, also after a kill, and an older version beside it', async () => {
      const lake = join(project.folder, 'lake');
      const rows = await project.program.rows('from gold.total');
      const released = await project.json<{ readonly tables: readonly unknown[] }>('release', 'show', 'current');
      renameSync(lake, `${lake}.gone`);
      const killed = await project.faulty('restore-before-rename:kill@8', 'restore', 'far');
      expect(killed.stderr).toContain('fault point');
      expect(existsSync(lake)).toBe(false);
      const restored = await project.run('restore', 'far');
      expect(restored.code, restored.stderr).toBe(0);
      expect((await project.run('ledger', 'rebuild')).code).toBe(0);
      expect((await project.run('verify')).stdout).toContain('intact');
      expect(await project.program.rows('from gold.total')).toEqual(rows);
      // Its rejected rows belong to it.
      expect((await project.json<typeof released>('release', 'show', 'current')).tables).toEqual(released.tables);
      expect(JSON.stringify(released.tables)).toContain('quarantine.silver_sales');
      // The memory of the mirror went with the ledger: checksums tell, nothing is sent again.
      expect(await sync()).toMatchObject({ up_to_date: true, files_put: 0 });
      expect((await project.run('run')).stdout).toContain('nothing to do');
      const old = join(project.folder, 'old');
      // What another attempt was about is not part of it.
      const other = await project.faulty('restore-before-publish:kill', 'restore', 'far', '--to', old);
      expect(other.killed).toBe(true);
      const one = await project.run('restore', 'far', '--table', 'silver.sales', '--version', '0', '--to', old);
      expect(one.code, one.stderr).toBe(0);
      expect(readdirSync(old)).toEqual(['silver']);
      expect(readdirSync(join(old, 'silver/sales')).filter((name) => name.startsWith('part-'))).toHaveLength(1);
      expect(readdirSync(join(old, 'silver/sales/_delta_log')).filter((name) => name.endsWith('.json'))).toHaveLength(
        1,
      );
    });

    /** A checkpoint has no hash on record: it is held against the entries before it goes out. */
    async function refusesDamagedCheckpoint(): Promise<void> {
      const log = join(project.folder, 'lake/silver/sales/_delta_log');
      const checkpoints = (): readonly string[] => readdirSync(log).filter((name) => name.includes('.checkpoint.'));
      const known = checkpoints();
      for (let day = 40; checkpoints().length === known.length && day < 50; day++) {
        project.day(day);
        expect((await project.run('run')).code).toBe(0);
      }
      const file = join(log, checkpoints().find((name) => !known.includes(name)) ?? '');
      const sound = project.read(file);
      writeFileSync(file, sound.subarray(0, sound.length - 9));
      const { code, stderr } = await project.run('sync');
      expect([code, stderr]).toEqual([4, expect.stringContaining('silver.sales was left as it is there')]);
      writeFileSync(file, sound);
      expect((await sync()).left).toEqual([]);
    }

    /** The mirror still has what was collected here, checkpoints of single versions among it: mending leaves all of that where it is. */
    async function mendsWithoutWhatWasCollected(): Promise<void> {
      const logs = (): readonly string[] =>
        ['bronze', 'silver', 'gold', 'quarantine']
          .flatMap((layer) => readdirSync(join(project.folder, 'lake', layer), { recursive: true, encoding: 'utf8' }))
          .filter((path) => path.includes('_delta_log/') && !path.includes('_last_checkpoint'))
          .sort();
      const kept = await project.run('release', 'keep', 'current');
      expect(kept.code, kept.stderr).toBe(0);
      for (const day of [60, 61]) {
        project.day(day);
        expect((await project.run('run')).code).toBe(0);
        expect((await sync()).left).toEqual([]);
        expect((await project.run('compact', '--grace', '0s')).code).toBe(0);
      }
      expect((await sync()).left).toEqual([]);
      const [before, rows] = [logs(), await project.program.rows('from gold.total')];
      const checkpoints = (paths: readonly string[]): readonly string[] =>
        paths.filter((path) => path.includes('.checkpoint.'));
      const there = (await place.list()).filter((path) => path.includes('_delta_log/'));
      expect(checkpoints(there).length).toBeGreaterThan(checkpoints(before).length);
      rmSync(join(project.folder, 'lake/gold/total', await project.publishedFile('gold/total')));
      const mended = await project.json<{ readonly files_fetched: number }>('restore', 'far');
      expect(mended.files_fetched).toBe(1);
      expect(logs()).toEqual(before);
      expect((await project.run('verify')).stdout).toContain('intact');
      expect(await project.program.rows('from gold.total')).toEqual(rows);
    }

    it('case 44: loses only what it may: nothing by default, not much at once, and what a listed release needs never', async () => {
      const config = join(project.folder, 'pipelines.yaml');
      const edit = (from: string, to: string): void =>
        writeFileSync(config, project.read(config).toString().replace(from, to));
      edit('versions_days: 30', 'versions_days: 0');
      for (const day of [30, 31]) {
        project.day(day);
        expect((await project.run('run', '--full-refresh', '--force')).code).toBe(0);
        expect((await sync()).left).toEqual([]);
      }
      await refusesDamagedCheckpoint();
      expect((await project.run('compact', '--grace', '0s')).code).toBe(0);
      await mendsWithoutWhatWasCollected();
      const before = (await place.list()).length;
      const kept = await sync();
      expect([kept.files_removed, kept.files_left > 10]).toEqual([0, true]);
      expect((await place.list()).length).toBeGreaterThanOrEqual(before);
      const refused = await project.run('sync', '--delete', '--max-delete', '1');
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('E_FAR_DELETE')]);
      const dry = await sync('--delete', '--max-delete', '100', '--dry-run');
      const done = await sync('--delete', '--max-delete', '100');
      expect([done.files_removed > 10, done.files_removed]).toEqual([true, dry.files_removed]);
      expect((await place.list()).length).toBe(done.files_there);
      expect((await project.run('verify', '--at', 'far')).code).toBe(0);
      // Tables that the mirror is no longer about stay as long as one of the newest two releases there names them.
      edit('path: lake', 'path: lake, tables: [gold.*]');
      await sync();
      expect(await sync('--delete', '--max-delete', '100')).toMatchObject({ files_removed: 0 });
      const copy = join(project.folder, 'copy');
      expect((await project.run('restore', 'far', '--to', copy)).code).toBe(0);
      expect(readdirSync(copy)).toContain('gold');
      // Another table under the same name, with fewer versions than the old one has there: they are not mixed.
      rmSync(join(project.folder, 'lake/gold/total'), { recursive: true });
      expect((await project.run('run')).code).toBe(0);
      const other = await project.run('restore', 'far');
      expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('E_FAR_CHANGED')]);
    });
  });
});
