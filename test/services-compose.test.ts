import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SERVERS } from '../scripts/services/servers.ts';

interface Container {
  readonly image: string;
  /** None where it is on the network of another one, which publishes its ports. */
  readonly ports?: readonly string[];
  readonly network_mode?: string;
  readonly mem_limit: string;
  readonly healthcheck: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Container>>;
  readonly 'x-settings': Readonly<Record<string, string>>;
}

// OpenSSH with the key that the harness makes has no counterpart: containers offer the server with a password. The pair of NameNodes is only ever a test's own,
// which stops and kills its processes.
const WITHOUT_CONTAINER = ['sftp', 'hdfs_pair'];

const { services, 'x-settings': settings } = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as Compose;

describe('compose.yaml', () => {
  it('has a container for each server that the tests use', () => {
    const expected = Object.keys(SERVERS).filter((name) => !WITHOUT_CONTAINER.includes(name));
    expect(Object.keys(services).sort()).toEqual(expected.sort());
  });

  it.each(Object.entries(services))('%s: a fixed version, a health check, a limit, loopback only', (_, container) => {
    expect(container.image).toMatch(/^[\w/-]+:(?!latest)[\w.-]+$/);
    expect(container.healthcheck.test[0]).toMatch(/^CMD(-SHELL)?$/);
    expect(container.mem_limit).toMatch(/^\d+[mg]$/);
    expect(container.ports === undefined).toBe(container.network_mode !== undefined);
    for (const port of container.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('gives settings that the harness knows, with ports that are published', () => {
    const published = Object.values(services).flatMap((one) => (one.ports ?? []).map((port) => port.split(':')[1]));
    expect(new Set(published).size).toBe(published.length);
    const known = Object.values(SERVERS).flatMap((server) => [...server.variables]);
    for (const [variable, value] of Object.entries(settings)) {
      expect(known).toContain(variable);
      const ports = [...value.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => match[1]);
      expect(ports).not.toEqual([]);
      for (const port of ports) expect(published).toContain(port);
    }
    const first = Object.values(SERVERS).filter((server) => !WITHOUT_CONTAINER.includes(server.name));
    expect(Object.keys(settings)).toEqual(expect.arrayContaining(first.map((server) => server.variables[0])));
  });

  it('follows the schema of the format', (context) => {
    const python = process.env['DATAFLOW_PYTHON'];
    const checker = ['-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec'];
    if (python === undefined || spawnSync(python, ['-c', 'import check_jsonschema']).status !== 0)
      return context.skip('DATAFLOW_PYTHON has no check-jsonschema');
    const { status, stdout, stderr } = spawnSync(python, [...checker, 'compose.yaml'], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toContain('ok');
    expect(status).toBe(0);
  });

  it('is taken by docker compose', (context) => {
    if (spawnSync('docker', ['compose', 'version']).status !== 0) return context.skip('docker compose is not here');
    const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});
