import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { CompactReport } from '../src/app/care/compact/report.ts';
import { SourceProject } from '../src/connectors/testing/source-project.ts';

const { DatabaseSync } = createRequire(import.meta.url)(
  '@photostructure/sqlite',
) as typeof import('@photostructure/sqlite');

let project: SourceProject | undefined;
let server: Server | undefined;
afterEach(() => {
  project?.remove();
  server?.close();
  server = undefined;
});

/** A project whose lake keeps nothing longer than it is needed. */
function made(source: object, keep: Readonly<Record<string, number>> = {}): SourceProject {
  project = new SourceProject({ source });
  configure({ source, keep });
  return project;
}

function configure({ source, keep = {} }: { source?: object; keep?: Readonly<Record<string, number>> }): void {
  const file = join(project?.root ?? '', 'pipelines.yaml');
  const config = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const lake = { keep: { versions_days: 0, quarantine_days: 0, ...keep } };
  const sources = source === undefined ? { other: { type: 'fake', rows: 1 } } : { s: source };
  writeFileSync(file, stringify({ ...config, lake, sources }));
}

async function compact(at: SourceProject, ...flags: readonly string[]): Promise<CompactReport> {
  const { stdout } = await at.ok(['compact', '--grace', '0s', '--format', 'json', ...flags]);
  return JSON.parse(stdout) as CompactReport;
}

/** An API whose answer is the records of the moment; @returns where it is, and how often it was asked. */
async function api(records: () => readonly object[]): Promise<{ readonly url: string; asked: number }> {
  const about = { url: '', asked: 0 };
  server = createServer((_, response) => {
    about.asked += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(records()));
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server?.once('listening', done));
  about.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rates`;
  return about;
}

const count = async (at: SourceProject): Promise<number> =>
  Number((await at.query('select count(*) as n from bronze.s'))[0]?.['n']);

describe('compact, beside the lake', { timeout: 120_000 }, () => {
  it('collects kept responses of versions that are gone; the table can still be made anew without asking', async () => {
    let rows = 1;
    const { url } = await api(() => Array.from({ length: rows }, (_, id) => ({ id })));
    const at = made({ type: 'http', url, records: '$', keep_raw: true });
    for (; rows <= 3; rows++) await at.ok(['run']);
    rows = 3;
    await at.ok(['run']); // the same answer once more: an entry without a version
    const kept = (): number => at.holds('', join(at.root, 'lake/_dataflow/raw')).length;
    const before = kept();
    // The newest two releases hold theirs.
    const none = { landed_files: 0, refused_units: 0, torn_files: 0 };
    const expected = [{ source: 's', ...none, responses: 1, size_bytes: expect.any(Number) }];
    expect((await compact(at, '--dry-run')).landing).toEqual(expected);
    expect(kept()).toBe(before);
    // Killed once its entry is gone: the body that nobody answers for goes the next time.
    const died = await at.run(['compact', '--grace', '0s'], { DATAFLOW_FAULT: 'before-collect-landing:kill' });
    expect([died.signal, kept()]).toEqual(['SIGKILL', before]);
    expect((await compact(at)).landing).toEqual(expected);
    expect(kept()).toBe(before - 1);
    expect((await compact(at)).landing).toEqual([]);
    server?.close();
    await at.ok(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
    expect(await count(at)).toBe(3);
  });

  it('never collects responses of a source that adds, unless it is told after how many days', async () => {
    let id = 0;
    const about = await api(() => [{ id: id++ }]);
    const source = { type: 'http', url: about.url, records: '$', mode: 'append', keep_raw: true };
    const at = made(source);
    for (let n = 0; n < 3; n++) await at.ok(['run']);
    expect((await compact(at)).landing).toEqual([]);
    await at.ok(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
    expect([await count(at), about.asked]).toEqual([3, 3]);
    configure({ source, keep: { raw_days: 0 } });
    await at.ok(['run']);
    await at.ok(['run']);
    const { landing } = await compact(at);
    expect(landing[0]?.responses).toBeGreaterThanOrEqual(3);
    const refused = await at.run(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('E_SOURCE_LOST');
    expect(await count(at)).toBe(5);
  });

  it('collects what a kill left half written of a kept response, once it is old; doctor tells of it', async () => {
    const { url } = await api(() => [{ id: 1 }]);
    const at = made({ type: 'http', url, records: '$', keep_raw: true });
    const died = await at.run(['run'], { DATAFLOW_FAULT: 'raw-before-rename:kill' });
    expect(died.signal).toBe('SIGKILL');
    await at.ok(['run']);
    const folder = join(at.root, 'lake/_dataflow/raw/s');
    const torn = readdirSync(folder).filter((name) => name.endsWith('.tmp'));
    expect(torn).toHaveLength(1);
    // It might be one that is being written.
    expect((await at.run(['doctor'])).stdout).not.toContain('half-written');
    await at.ok(['compact']);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(torn));
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of torn) utimesSync(join(folder, name), old, old);
    expect((await at.run(['doctor'])).stdout).toMatch(/1 half-written file of the source s/);
    expect((await at.ok(['compact'])).stdout).toMatch(/1 half-written file of the source s collected/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await at.ok(['run', '--full-refresh', '--force', '--select', 'bronze.s']);
    expect(await count(at)).toBe(1);
  });

  it('keeps refused units while they can be sent again, and collects them once they are discarded', async () => {
    const at = made({
      type: 'sqlite',
      path: 'shop.db',
      table: 'stock',
      cursor: { column: 'id' },
      columns: { id: 'bigint' },
    });
    const db = new DatabaseSync(join(at.root, 'shop.db'));
    db.exec('create table stock (id integer, x text); insert into stock values (1, 2)');
    db.close();
    expect((await at.run(['ingest'])).status).toBe(4);
    expect((await compact(at)).landing).toEqual([]);
    expect((await at.run(['quarantine', 'replay', 'bronze.s'])).status).toBe(4);
    expect((await compact(at)).landing).toEqual([]);
    await at.ok(['quarantine', 'discard', 'bronze.s', '--reason', 'not ours']);
    expect((await compact(at, '--dry-run')).landing).toMatchObject([{ source: 's', refused_units: 1 }]);
    expect((await compact(at)).landing).toMatchObject([{ source: 's', refused_units: 1 }]);
    expect(at.holds('', join(at.root, 'lake/_dataflow/landing'))).toEqual([]);
    await at.ok(['verify']);
  });

  it('collects what was landed for a source that is configured no longer; doctor tells of it', async () => {
    const at = made({ type: 'fake', rows: 1000, unit_records: 300 });
    await at.run(['ingest'], { DATAFLOW_FAULT: 'landing-after-seal:kill@2' });
    expect((await compact(at)).landing).toEqual([]);
    configure({});
    const { stdout } = await at.run(['doctor']);
    expect(stdout).toMatch(/source s is not configured, but 4 landed files/);
    const text = (await at.ok(['compact', '--grace', '0s'])).stdout;
    expect(text).toMatch(/4 landed files of the source s collected/);
    expect(at.holds('', join(at.root, 'lake/_dataflow/landing'))).toEqual([]);
    expect((await at.run(['doctor'])).stdout).not.toMatch(/source s is not/);
  });
});
