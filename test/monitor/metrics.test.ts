import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricSheet } from '../../src/app/monitor/metric-sheet.ts';
import { prometheusText } from '../../src/app/monitor/prometheus-text.ts';
import { expectDone, expectError, newPlace, type Place } from '../support/fault-project.ts';

const CONFIG = `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, w: varchar } } }
silver:
  s:
    from: a
    where: id < 100
    rules: [ { not_null: [w] } ]
    key: id
    tests: [ { row_count: { min: 1 } } ]
gold:
  g: { sql: select count(*) as n from silver.s, key: n, tests: [ { sql: "select * from this where n > 4", name: few } ] }
`;

/** Samples of a text in Prometheus' format: `name{labels}` → value. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('the numbers of a project', () => {
  let place: Place;
  let collector: Server;
  let pushed: { readonly path: string; readonly token: string | undefined; readonly body: Pushed }[] = [];
  let answer = 200;

  beforeAll(async () => {
    place = newPlace(CONFIG, { name: 'numbers' });
    collector = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      request.on('end', () => {
        const { authorization } = request.headers;
        pushed.push({ path: request.url ?? '', token: authorization, body: JSON.parse(text) as Pushed });
        response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    collector.close();
    place.remove();
  });

  const written = (): ReadonlyMap<string, number> => samplesOf(readFileSync(join(place.folder, 'm.prom'), 'utf8'));
  const sampleOf = (name: string, labels = ''): number | undefined =>
    written().get(`${name}{project="numbers"${labels === '' ? '' : `,${labels}`}}`);

  it('are written whole after a run, and count rows by where they went', () => {
    place.put({ 'in/a.csv': 'id,w\n1,x\n1,y\n2,\n3,z\n500,x\n' });
    expectDone(place.dataflow(['run', '--metrics-file', 'm.prom']));
    const s = 'table="silver.s"';
    expect([
      sampleOf('dataflow_step_rows_in_total', s),
      sampleOf('dataflow_step_rows_out_total', s),
      sampleOf('dataflow_step_rows_quarantined_total', s),
      sampleOf('dataflow_step_rows_deduplicated_total', s),
      sampleOf('dataflow_step_rows_filtered_total', s),
      sampleOf('dataflow_table_rows', s),
      sampleOf('dataflow_quarantine_rows', `${s},rule="not_null_w"`),
      sampleOf('dataflow_runs_total', 'status="succeeded"'),
      sampleOf('dataflow_runs_total', 'status="failed"'),
      sampleOf('dataflow_run_last_status', 'status="succeeded"'),
      sampleOf('dataflow_table_test_passed', 'table="gold.g",test="few",severity="fail"'),
    ]).toEqual([5, 2, 1, 1, 1, 2, 1, 1, 0, 1, 1]);
    expect(sampleOf('dataflow_table_size_bytes', s)).toBeGreaterThan(0);
    expect(sampleOf('dataflow_ledger_size_bytes')).toBeGreaterThan(0);
    expect(sampleOf('dataflow_run_last_success_timestamp_seconds')).toBeGreaterThan(1e9);
  });

  it('are the same by every way, and count runs of others', async () => {
    place.put({ 'in/b.csv': 'id,w\n7,x\n8,y\n9,z\n' });
    expect(place.dataflow(['run', '--metrics-file', 'm.prom']).status).toBe(3);
    expect(sampleOf('dataflow_runs_total', 'status="partial"')).toBe(1);
    expect(sampleOf('dataflow_table_failed', 'table="gold.g"')).toBe(1);
    expect(sampleOf('dataflow_table_test_failures', 'table="gold.g",test="few",severity="fail"')).toBe(1);
    const steady = (samples: ReadonlyMap<string, number>): unknown =>
      [...samples].filter(([name]) => !/disk|collected|last_check|ledger_size/.test(name));
    const printed = place.dataflow(['metrics']);
    expectDone(printed);
    expect(steady(samplesOf(printed.stdout))).toEqual(steady(written()));
    const { port } = collector.address() as AddressInfo;
    expectDone(
      await place.start(['metrics', '--push'], { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }).ended,
    );
    const [push] = pushed;
    expect(push?.path).toBe('/v1/metrics');
    expect(steady(samplesFrom(push?.body))).toEqual(steady(written()));
  });

  it('are pushed after a run to the address of the configuration, with its token; a push that fails is said and changes nothing else', async () => {
    const { port } = collector.address() as AddressInfo;
    const before = readFileSync(join(place.folder, 'pipelines.yaml'), 'utf8');
    const otlp = `metrics: { otlp: { url: "http://127.0.0.1:${port}/own", headers: { authorization: "Bearer \${SOME_TOKEN}" } } }\n`;
    place.put({ 'pipelines.yaml': before + otlp });
    const env = { SOME_TOKEN: 'not-to-be-shown' };
    pushed = [];
    expect((await place.start(['run'], env).ended).status).toBe(3);
    expect(pushed.map(({ path, token }) => [path, token])).toEqual([['/own', 'Bearer not-to-be-shown']]);
    answer = 400;
    const refused = await place.start(['run'], env).ended;
    expect(refused.stderr).toContain('warning E_METRICS_PUSH: the collector did not take them');
    expect(refused.status).toBe(3);
    expect(refused.stderr + refused.stdout).not.toContain('not-to-be-shown');
    place.put({ 'pipelines.yaml': before });
  });

  it('are pushed by a server while nothing runs, as often as the standard variable says; without a collector it says so and goes on', async () => {
    const { port } = collector.address() as AddressInfo;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_METRIC_EXPORT_INTERVAL: '1000' };
    [answer, pushed] = [200, []];
    const { child, ended } = place.start(['serve', '--port', '0'], env);
    await expect.poll(() => pushed.length, { timeout: 20_000 }).toBeGreaterThan(1);
    const [push] = pushed;
    expect(push?.path).toBe('/v1/metrics');
    expect([...samplesFrom(push?.body)].some(([name]) => name.startsWith('dataflow_runs_total'))).toBe(true);
    const before = pushed.length;
    answer = 400;
    await expect.poll(() => pushed.length, { timeout: 20_000 }).toBeGreaterThan(before + 1);
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([143, expect.stringContaining('the collector did not take them')]);
  });

  it('say when a run looked last, also one with nothing to do, and not one that was refused', async () => {
    place.put({ 'in/b.csv': 'id,w\n7,x\n' });
    expectDone(place.dataflow(['run', '--metrics-file', 'm.prom']));
    const check = (): number => sampleOf('dataflow_last_check_timestamp_seconds') ?? 0;
    const [runs, first, published] = [
      sampleOf('dataflow_runs_total', 'status="succeeded"'),
      check(),
      sampleOf('dataflow_table_published_timestamp_seconds', 'table="gold.g"'),
    ];
    const idle = place.dataflow(['run', '--metrics-file', 'm.prom']);
    expect(idle.stdout).toContain('nothing to do');
    const second = check();
    expect(second).toBeGreaterThan(first);
    expect([
      sampleOf('dataflow_runs_total', 'status="succeeded"'),
      sampleOf('dataflow_table_published_timestamp_seconds', 'table="gold.g"'),
    ]).toEqual([runs, published]);
    const unknown = place.dataflow(['run', '--select', 'gold.nothing', '--metrics-file', 'm.prom']);
    expect(unknown.status).toBe(2);
    expectDone(place.dataflow(['metrics', '--to', 'm.prom']));
    expect(check()).toBe(second);
  });

  it('need a name and a folder where node_exporter reads them', () => {
    expectError(place.dataflow(['run', '--metrics-file', 'm.txt']), 'E_USAGE', 2);
    expectError(place.dataflow(['metrics', '--to', 'nowhere/m.prom']), 'E_METRICS_FILE', 1);
    expectError(place.dataflow(['metrics', '--push']), 'E_USAGE', 2);
  });

  it('follow the conventions of Prometheus, by its own check', (context) => {
    const text = readFileSync(join(place.folder, 'm.prom'), 'utf8');
    const check = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (check.error !== undefined) context.skip('promtool is not installed');
    expect(check.stdout + check.stderr).toBe('');
    expect(check.status).toBe(0);
  });
});

describe('labels', () => {
  it('are bounded: values beyond the limit are counted, not kept, and long ones are cut', async () => {
    const sheet = new MetricSheet('p', 3);
    for (let i = 0; i < 10; i++) sheet.set('dataflow_table_rows', i, { table: `gold.t${i}` });
    sheet.set('dataflow_quarantine_rows', 1, { table: 'silver.s', rule: 'r'.repeat(500) });
    const text = await prometheusText(sheet.families());
    expect(samplesOf(text).get('dataflow_metrics_left_out{project="p",metric="dataflow_table_rows"}')).toBe(7);
    expect(text.match(/^dataflow_table_rows/gm)).toHaveLength(3);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(250);
  });
});

interface Pushed {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly PushedMetric[] }[];
  }[];
}

interface PushedPoints {
  readonly dataPoints: readonly {
    readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
    readonly asDouble: number;
  }[];
}

interface PushedMetric {
  readonly name: string;
  readonly sum?: PushedPoints & { readonly isMonotonic: boolean };
  readonly gauge?: PushedPoints;
}

/** What was pushed, as Prometheus would name it. */
function samplesFrom(body: Pushed | undefined): ReadonlyMap<string, number> {
  const metrics = body?.resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics)) ?? [];
  return new Map(
    metrics.flatMap(
      ({ name, sum, gauge }) =>
        (sum ?? gauge)?.dataPoints.map(({ attributes, asDouble }): [string, number] => {
          const labels = attributes.map(({ key, value }) => `${key}="${value.stringValue}"`).join(',');
          return [`${name}${sum === undefined ? '' : '_total'}{${labels}}`, asDouble];
        }) ?? [],
    ),
  );
}
