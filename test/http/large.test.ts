import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { text as words } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRawStore } from '../../src/landing/raw-store.ts';
import { type Reply, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { pull } from './http-pull.ts';

/** Responses that are not held in memory: beyond 16 MB, when one is all the answer there is. */
let server: ScriptedHttp;
let temp_folder: string;
beforeEach(async () => {
  server = await scriptedHttp();
  temp_folder = mkdtempSync(join(tmpdir(), 'dataflow-large-'));
});
afterEach(async () => {
  rmSync(temp_folder, { recursive: true, force: true });
  await server.close();
});

const COUNT = 30_000;
const note = 'é'.repeat(300);
const record = (id: number) => ({ id, big: 'N', note });
/** With a number that JavaScript would round. */
const text = (id: number): string => JSON.stringify(record(id)).replace('"N"', '12345678901234567890');
const ids = Array.from({ length: COUNT }, (_, id) => id);
const LIST = ids.map(text).join(',\r\n ');
const DOCUMENT = `{"meta":{"at":"2026-03-01"},"data":[${LIST}],"end":true}`;

const ask = (options: object = {}, more: object = {}) =>
  pull({ url: `${server.url}/a`, max_response_bytes: 100_000_000, ...options }, { temp_folder, ...more });

describe('records of a large response', () => {
  it.each<[string, object, Reply, (id: number) => string]>([
    ['a document', { records: '$.data' }, { body: DOCUMENT }, text],
    ['a compressed one', { records: '$.data' }, { body: DOCUMENT, gzip: 'whole' }, text],
    [
      'with members added',
      { records: '$.data', add: { at: '$.meta.at', end: '$.end', c: '{city}' }, for_each: [{ city: 'Lyon' }] },
      { body: DOCUMENT },
      (id) => `${text(id).slice(0, -1)},"at":"2026-03-01","end":true,"c":"Lyon"}`,
    ],
    ['an array', {}, { body: `[${LIST}]` }, text],
    ['lines', { format: 'ndjson' }, { body: ids.map(text).join('\r\n\n') }, text],
    [
      'csv',
      { format: 'csv' },
      { body: `\ufeffid,note\r\n${ids.map((id) => `${id},"${note},\n"`).join('\r\n')}` },
      (id) => `${id},"${note},\n"`,
    ],
  ])('%s: all of them, as they were written', async (_, options, reply, expected) => {
    server.script('GET /a', [reply]);
    const { error, units } = await ask(options);
    expect(error).toBeUndefined();
    expect(units.map(({ records }) => records)).toEqual([COUNT]);
    const lines = units[0]?.bytes.toString('utf8').replaceAll('\r\n', '\n').replaceAll('} \n', '}\n');
    expect(lines === ids.map((id) => `${expected(id)}\n`).join('')).toBe(true);
    if (units[0]?.layout.format === 'csv') expect(units[0].layout.header).toEqual(['id', 'note']);
    expect(readdirSync(temp_folder)).toEqual([]);
  });

  it('strays are put aside, each with a place of its own', async () => {
    const body = `[7,${LIST},"x",${LIST},null]`;
    server.script('GET /a', [{ body }]);
    const { units } = await ask();
    expect(units.map(({ records }) => records)).toEqual([2 * COUNT]);
    expect(units[0]?.unreadable.map(({ where, raw }) => [where, raw])).toEqual([
      ['page 1 stray 1', '7'],
      ['page 1 stray 2', '"x"'],
      ['page 1 stray 3', 'null'],
    ]);
  });

  it.each<[string, object, Reply, RegExp]>([
    ['cut off', { records: '$.data' }, { body: DOCUMENT.slice(0, -12) }, /cut off \(byte \d+ of \d+\)/],
    ['cut within its gzip', { records: '$.data' }, { body: DOCUMENT, gzip: 'cut' }, /gzip body is damaged/],
    [
      'that ends early',
      {},
      { body: DOCUMENT, truncate_after_bytes: 17_000_000 },
      /closed before the answer was complete/,
    ],
    [
      'that is no text',
      {},
      { body: Buffer.concat([Buffer.from(`[${LIST},"`), Buffer.from([0xc3, 0x22, 0x5d])]) },
      /UTF-8/,
    ],
    ['without records', { records: '$.items' }, { body: DOCUMENT }, /nothing at \$\.items/],
    ['with one value', { records: '$.end' }, { body: DOCUMENT }, /neither an array nor an object/],
    ['of lines that ends early', { format: 'ndjson' }, { body: ids.map(text).join('\n').slice(0, -9) }, /cut off/],
    ['of csv that ends early', { format: 'csv' }, { body: `id\n${'"a\nb"\n'.repeat(3_000_000)}"` }, /inside a quoted/],
    ['over the limit', { max_response_bytes: 17_000_000 }, { body: DOCUMENT, gzip: 'whole' }, /max_response_bytes/],
  ])('one %s brings none and leaves nothing', async (_, options, reply, words) => {
    server.script('GET /a', [reply]);
    const { error, units } = await ask({ retry: { attempts: 1 }, ...options });
    expect([error?.code, units]).toEqual([expect.stringMatching(/^E_(HTTP_BODY|SOURCE_UNREACHABLE)$/), []]);
    expect(error?.message).toMatch(words);
    expect(readdirSync(temp_folder)).toEqual([]);
  });

  it('is kept by its hash, once, and taken again without asking', async () => {
    server.script('GET /a', [{ body: DOCUMENT }]);
    const raw = openRawStore(join(temp_folder, 'raw'));
    const options = { records: '$.data', keep_raw: true, mode: 'append' };
    const first = await ask(options, { raw });
    const second = await ask(options, { raw, position: first.position });
    expect(first.units[0]?.records).toBe(COUNT);
    expect(first.units[0]?.raw).toHaveLength(1);
    const [entry, ...others] = await raw.entries();
    expect([entry?.size_bytes, others.length]).toEqual([Buffer.byteLength(DOCUMENT), 1]);
    expect(readdirSync(join(temp_folder, 'raw')).filter((name) => name.endsWith('.gz'))).toHaveLength(1);
    const again = await ask(options, { raw, from_raw: true, committed: second.position ?? {} });
    expect(again.error).toBeUndefined();
    expect(again.text === first.text + second.text).toBe(true);
    expect(server.requests).toHaveLength(2);
    expect(readdirSync(temp_folder)).toEqual(['raw']);
  });
});

/** The answer, and what a process may have that takes it. It has 150 to 230 MB; 850 MB where the answer is held, which makes copies of it. */
const ANSWER_BYTES = 250_000_000;
const MEMORY_BYTES_MAX = 400_000_000;

it('an answer larger than the memory is landed whole', { timeout: 60_000 }, async () => {
  const line = `${text(1)},\n`;
  const block = Buffer.from(line.repeat(Math.ceil(1_000_000 / line.length)));
  const blocks = Math.ceil(ANSWER_BYTES / block.length);
  const far = createServer((_, response) => {
    const body = (function* () {
      yield '[';
      for (let n = 0; n < blocks; n++) yield block;
      yield '{"id":2}]';
    })();
    Readable.from(body).pipe(response);
  }).listen(0, '127.0.0.1');
  await once(far, 'listening');
  const program = join(resolve('node_modules'), `.large-pull-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [resolve('test/http/large-pull.fixture.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    });
    const url = `http://127.0.0.1:${(far.address() as AddressInfo).port}/`;
    const child = spawn(process.execPath, [program, url, temp_folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await Promise.all([words(child.stdout), once(child, 'close')]);
    const { records, size_bytes, peak_memory_bytes } = JSON.parse(said);
    const size = Buffer.byteLength(line) - 1;
    expect(records).toBe((block.length / (size + 1)) * blocks + 1);
    expect(size_bytes).toBe((records - 1) * size + '{"id":2}\n'.length);
    console.log(`at most ${Math.round(peak_memory_bytes / 1e6)} MB for an answer of ${ANSWER_BYTES / 1e6} MB`);
    expect(peak_memory_bytes).toBeLessThan(MEMORY_BYTES_MAX);
  } finally {
    rmSync(program, { force: true });
    far.close();
  }
});
