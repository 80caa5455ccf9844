import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/app/monitor/catalogue.ts';
import { ALERT_RULES } from '../../src/app/monitor/files/alert-rules.ts';
import { expectDone, expectError, newPlace, type Place } from '../support/fault-project.ts';

/** Numbers of the server's own process, as `/metrics` names them. */
const SERVER = ['dataflow_http_requests_total', 'dataflow_http_request_duration_seconds_bucket'];

const CONFIG = `sources: { a: { type: files, path: "in/*.csv", columns: { id: bigint } } }
gold: { g: { sql: select id from bronze.a, key: id } }
serve: { port: 8123 }
`;

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

describe('export monitoring', () => {
  let place: Place;
  beforeAll(() => {
    place = newPlace(CONFIG, { name: 'watched' });
  });
  afterAll(() => place.remove());
  const text = (file: string): string => readFileSync(join(place.folder, 'monitoring', file), 'utf8');

  it('writes files that name this project and where it is served, and leaves those of others alone', () => {
    expectDone(place.dataflow(['export', 'monitoring', '--dry-run']));
    expect(() => text('prometheus.yml')).toThrow('ENOENT');
    expectDone(place.dataflow(['export', 'monitoring']));
    expect(text('prometheus.yml')).toContain('127.0.0.1:8123');
    const again = place.dataflow(['export', 'monitoring', '--format', 'json']);
    expect(
      (JSON.parse(again.stdout) as { files: { state: string }[] }).files.every((one) => one.state === 'same'),
    ).toBe(true);
    place.put({ 'monitoring/alertmanager.yml': 'mine: true\n' });
    expectError(place.dataflow(['export', 'monitoring']), 'E_USAGE', 2);
    expect(text('alertmanager.yml')).toBe('mine: true\n');
    expectDone(place.dataflow(['export', 'monitoring', '--force', '--webhook', 'http://127.0.0.1:5001/hook']));
    expect(text('alertmanager.yml')).toContain('http://127.0.0.1:5001/hook');
    expectError(place.dataflow(['export', 'monitoring', '--target', 'nobody']), 'E_USAGE', 2);
  });

  it('asks in every panel and rule for metrics that exist, of this project alone', () => {
    const known = new Set<string>([...METRICS.keys(), ...SERVER]);
    const { panels } = JSON.parse(text('grafana/dashboards/pipeline-overview.json')) as { panels: readonly Panel[] };
    const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }): [string, string] => [title, expr]));
    queries.push(
      ...ALERT_RULES.map(({ alert, expr }): [string, string] => [
        alert,
        expr.replaceAll('PROJECT', 'project="watched"'),
      ]),
    );
    expect(queries.length).toBeGreaterThan(20);
    for (const [title, query] of queries) {
      const names = query.match(/\bdataflow_\w+/g) ?? [];
      expect(names, title).not.toEqual([]);
      expect([title, names.filter((name) => !known.has(name))]).toEqual([title, []]);
      expect([
        title,
        query
          .split(/\bdataflow_\w+/)
          .slice(1)
          .every((rest) => rest.startsWith('{project="watched"')),
      ]).toEqual([title, true]);
    }
  });
});
