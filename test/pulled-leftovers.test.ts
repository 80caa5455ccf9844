import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SourceProject } from '../src/connectors/testing/source-project.ts';

/** What pulls that ended badly leave in the landing folder, and what the next run makes of it. */
let project: SourceProject | undefined;
let server: Server | undefined;
afterEach(() => {
  project?.remove();
  server?.close();
});

const landing = (at: SourceProject, source = 's'): readonly string[] => {
  try {
    return readdirSync(join(at.root, 'lake/_dataflow/landing', source)).sort();
  } catch {
    return [];
  }
};
const counts = async (at: SourceProject, source = 's'): Promise<readonly number[]> => {
  const [row] = await at.query(`select count(*) as n, count(distinct id) as keys from bronze.${source}`);
  return [Number(row?.['n']), Number(row?.['keys'])];
};

describe('what a pull leaves', { timeout: 120_000 }, () => {
  it('killed between the bytes of a unit and its manifest while another source has a unit open too: each goes on alone', async () => {
    const at = new SourceProject({ source: { type: 'fake' } });
    project = at;
    const fake = (seed: number) => ({ type: 'fake', rows: 40_000, unit_records: 9_000, seed });
    writeFileSync(join(at.root, 'pipelines.yaml'), stringify({ name: 't', sources: { s: fake(1), b: fake(2) } }));
    for (let nth = 1; nth <= 4; nth++) {
      const died = await at.run(['ingest'], { DATAFLOW_FAULT: `landing-before-manifest:kill@${nth}` });
      expect(died.signal).toBe('SIGKILL');
    }
    // A file without its manifest was never sealed.
    const manifests = [...landing(at), ...landing(at, 'b')].filter((name) => /^\d{9}\.json$/.test(name)).length;
    const files = [...landing(at), ...landing(at, 'b')].filter((name) => name.endsWith('.ndjson')).length;
    expect(files).toBeGreaterThan(manifests);
    await at.ok(['ingest']);
    expect(await counts(at)).toEqual([40_000, 40_000]);
    expect(await counts(at, 'b')).toEqual([40_000, 40_000]);
    expect([...landing(at), ...landing(at, 'b')]).toEqual([]);
    await at.ok(['verify', '--rows']);
  });

  it('the half unit of a pull that was killed goes with the next run, and is never counted', async () => {
    let broken = true;
    server = createServer((request, response) => {
      const page = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('page') ?? 1);
      const records = Array.from({ length: 500 }, (_, id) => ({ id: page * 1000 + id, text: 'x'.repeat(2000) }));
      // The pages come, and then nothing more: the unit that is open stays open.
      if (broken && page === 3) return;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(page > 4 ? [] : records));
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server?.once('listening', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    const pages = { style: 'page', end: 'empty' };
    const at = new SourceProject({ source: { type: 'http', url, records: '$', pages } });
    project = at;
    const { child, ended } = at.start(['ingest']);
    const open = (): boolean => landing(at).some((name) => name.endsWith('.ndjson'));
    for (let n = 0; n < 1200 && !open(); n++) await new Promise((done) => setTimeout(done, 25));
    expect(open()).toBe(true);
    child.kill('SIGKILL');
    await ended;
    const left = landing(at);
    expect(left.filter((name) => name.endsWith('.ndjson')).length).toBe(1);
    expect(left.filter((name) => /^\d{9}\.json$/.test(name))).toEqual([]);
    broken = false;
    await at.ok(['ingest']);
    expect(await counts(at)).toEqual([2000, 2000]);
    expect(landing(at)).toEqual([]);
    await at.ok(['verify']);
  });
});
