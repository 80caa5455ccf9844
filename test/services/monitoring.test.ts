import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';

/** Prometheus and Alertmanager as Debian installs them, with the exported files, against a server at work. */
const CONFIG = `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar } } }
silver: { s: { from: a, rules: [ { not_null: [w] } ], key: id } }
gold: { g: { sql: select count(*) as n from silver.s, key: n, tests: [ { sql: "select * from this where n > 4", name: few } ] } }
`;

/** `/metrics` wants to know who asks, and so does everything else. */
const TOKEN = 'of-prometheus-alone';
const SERVE = `serve: { tokens: { prometheus: { hash: "sha256:${createHash('sha256').update(TOKEN).digest('hex')}" } } }\n`;

const PROGRAMS = ['prometheus', 'promtool', 'prometheus-alertmanager', 'amtool'];
const missing = PROGRAMS.filter((name) => spawnSync(name, ['--version']).error !== undefined);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  return (await response.json()) as T;
}

const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')} cannot be had on this machine)`;

describe.skipIf(missing.length > 0)(`monitoring${reason}`, () => {
  let place: Place;
  let state: string;
  const children: ChildProcess[] = [];
  let prometheus = '';
  let alertmanager = '';
  let served = '';
  const within = { timeout: 40_000, interval: 200 };
  const inFolder = (file: string): string => join(place.folder, 'monitoring', file);
  const started = (program: string, args: readonly string[]): void =>
    void children.push(spawn(program, args, { cwd: state, stdio: 'ignore' }));
  const query = async (text: string): Promise<readonly number[]> => {
    const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
      `${prometheus}/api/v1/query?query=${encodeURIComponent(text)}`,
    );
    return data.result.map(({ value }) => Number(value[1]));
  };

  beforeAll(async () => {
    place = newPlace(CONFIG + SERVE, { name: 'watched' });
    state = mkdtempSync(join(tmpdir(), 'dataflow-prometheus-'));
    place.put({ 'in/a.csv': 'id,w\n1,x\n2,\n3,z\n' });
    expectDone(place.dataflow(['run']));
    const [own, asked, alerts] = [await freePort(), await freePort(), await freePort()];
    const server = place.start(['serve', '--port', String(own)]);
    children.push(server.child);
    served = `http://127.0.0.1:${own}`;
    prometheus = `http://127.0.0.1:${asked}`;
    alertmanager = `http://127.0.0.1:${alerts}`;
    const where = ['--target', `127.0.0.1:${own}`, '--alertmanager', `127.0.0.1:${alerts}`];
    expectDone(place.dataflow(['export', 'monitoring', ...where]));
    const config = readFileSync(inFolder('prometheus.yml'), 'utf8');
    writeFileSync(inFolder('prometheus.yml'), config.replaceAll('15s', '1s'));
    writeFileSync(inFolder('dataflow.token'), `${TOKEN}\n`, { mode: 0o600 });
    started('prometheus-alertmanager', [
      `--config.file=${inFolder('alertmanager.yml')}`,
      `--storage.path=${join(state, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${alerts}`,
      '--cluster.listen-address=',
    ]);
    started('prometheus', [
      `--config.file=${inFolder('prometheus.yml')}`,
      `--storage.tsdb.path=${join(state, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${asked}`,
    ]);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.exitCode ?? new Promise((done) => child.once('close', done))));
    rmSync(state, { recursive: true, force: true });
    place.remove();
  });

  it('is configured by files that the programs themselves find right, and rules that pass their unit tests', () => {
    for (const [program, ...args] of [
      ['promtool', 'check', 'config', inFolder('prometheus.yml')],
      ['promtool', 'check', 'rules', inFolder('dataflow.rules.yml')],
      ['promtool', 'test', 'rules', inFolder('dataflow.rules.test.yml')],
      ['amtool', 'check-config', inFolder('alertmanager.yml')],
    ] as const) {
      const check = spawnSync(program, args, { encoding: 'utf8' });
      expect([args, check.status, check.stdout + check.stderr]).toEqual([args, 0, expect.stringContaining('SUCCESS')]);
    }
  });

  it('scrapes with its token the numbers of a run that another process did', async () => {
    await vi.waitFor(async () => {
      expect(await query('dataflow_runs_total{project="watched",status="succeeded"}')).toEqual([1]);
      expect(await query('dataflow_table_rows{table="silver.s"}')).toEqual([2]);
      expect(await query('dataflow_quarantine_rows{table="silver.s",rule="not_null_w"}')).toEqual([1]);
    }, within);
    expect((await fetch(`${served}/metrics`)).status).toBe(401);
    const text = await (await fetch(`${served}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    const page = readFileSync('docs/reference/metrics.md', 'utf8');
    const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
    const check = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([check.status, check.stdout + check.stderr]).toEqual([0, '']);
  });

  it('answers every query of the dashboard', async () => {
    const text = readFileSync(inFolder('grafana/dashboards/pipeline-overview.json'), 'utf8');
    const { panels } = JSON.parse(text) as { panels: { title: string; targets: { expr: string }[] }[] };
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        const answer = await json<{ status: string }>(`${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`);
        expect([title, answer.status]).toEqual([title, 'success']);
      }
    expect(await query('sum(max by (table) (dataflow_table_failed{project="watched"}))')).toEqual([0]);
  });

  it('fires an alert for a run that failed, which reaches Alertmanager, and ends it when a run succeeded', async () => {
    place.put({ 'in/b.csv': 'id,w\n7,x\n8,y\n9,z\n' });
    expect(place.dataflow(['run']).status).toBe(3);
    const firing = async (): Promise<readonly string[]> => {
      const alerts = await json<{ labels: Record<string, string>; status: { state: string } }[]>(
        `${alertmanager}/api/v2/alerts`,
      );
      return alerts.map(({ labels }) => `${labels['alertname']} ${labels['project']} ${labels['status']}`);
    };
    await vi.waitFor(async () => expect(await firing()).toContain('DataflowRunFailed watched partial'), within);
    place.put({ 'in/b.csv': 'id,w\n7,x\n' });
    expectDone(place.dataflow(['run']));
    await vi.waitFor(async () => expect(await query('ALERTS{alertname="DataflowRunFailed"}')).toEqual([]), within);
  });
});
