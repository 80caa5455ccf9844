import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchSettings, Figure } from './figure.ts';
import { type Load, once, RECORDS, type Way } from './http-ways.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const PAGES = 1000;

/** Pages of JSON records over loopback, made before the first request, `times` as large where that is asked; each answer takes `wait` ms. */
const SERVER = `
const { createServer } = require('node:http');
const [pages, records] = [${PAGES}, ${RECORDS}];
const bodies = Array.from({ length: 10 }, (_, p) => Array.from({ length: records }, (_, i) =>
  JSON.stringify({ page: 0, n: i, id: 'F-' + (p * 1e6 + i * 7919), date_facture: '2026-03-01T10:20:30Z', client: 'Client ' + i, pays: 'France', mode_paiement: 'CB', montant: 12.5 + i })));
createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const page = Number(url.searchParams.get('page'));
  const list = page > pages ? [] : bodies[page % 10];
  const records = Array(Number(url.searchParams.get('times'))).fill(list.join(',')).join(',');
  const body = Buffer.from('{"data":[' + records.replaceAll('"page":0', '"page":' + page) + '],"has_more":' + (page < pages) + '}');
  const wait = Number(url.searchParams.get('wait'));
  const send = () => { response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }); response.end(body); };
  if (wait > 0) setTimeout(send, wait); else send();
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

interface Pass {
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly mb: number;
}

/** A thousand pages: the connector beside undici alone, which reads each body and forgets it. */
export async function httpPages(settings: BenchSettings): Promise<readonly Figure[]> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = await new Promise<string>((done) =>
      server.stdout.once('data', (text: Buffer) => done(text.toString().trim())),
    );
    const url = `http://127.0.0.1:${port}/items`;
    const runs = Math.min(settings.runs, 5);
    const small = { url, wait: 0, pages: PAGES, times: 1 };
    const fast = await alternate(WAYS, runs, settings.folder, small);
    const large = await alternate(['alone', 'asked'], runs, settings.folder, {
      ...small,
      pages: PAGES / 10,
      times: 20,
    });
    const slow = await alternate(['alone', 'landed'], 1, settings.folder, { ...small, wait: 10 });
    return [
      ...figuresOf(fast, slow),
      ...clientFigures(fast, large),
      await wholeRun(settings.folder, url, middle(fast, 'alone')),
    ];
  } finally {
    server.kill();
  }
}

interface Side {
  readonly pass: Pass;
  readonly value: (pass: Pass) => number;
  readonly text: (pass: Pass) => string;
}

function cpu(pass: Pass): Side {
  return {
    pass,
    value: (one) => one.cpu_ms,
    text: (one) => `${(one.cpu_ms / one.mb).toFixed(2)} ms/MB`,
  };
}

function figuresOf(fast: Passes, slow: Passes): readonly Figure[] {
  const alone = middle(fast, 'alone');
  const words = `${PAGES.toLocaleString('en')} pages, ${alone.mb.toFixed(0)} MB of JSON`;
  const wall = (pass: Pass): Side => ({
    pass,
    value: (one) => one.wall_ms,
    text: (one) => `${one.wall_ms.toFixed(0)} ms`,
  });
  return [
    figure(
      'HTTP pages, server takes 10 ms each',
      wall(middle(slow, 'landed')),
      middle(slow, 'alone'),
      1.05,
      `${words}, cut into records and landed durably; beside undici alone reading the bodies`,
    ),
    figure(
      'HTTP pages, CPU of the connector',
      cpu(middle(fast, 'cut')),
      alone,
      1.05,
      `${words}, checked, cut into records, overlap looked for; beside undici alone reading the bodies. By stage and MB: cutting 1.7 ms, overlap 1.0, SHA-256 0.7; JSON.parse alone takes 3.4. The limit is met by nothing that looks at each byte once: 5 % of undici are 0.11 ms/MB, a plain SHA-256 is six times as much`,
    ),
    figure(
      'HTTP pages, CPU of connector and landing',
      cpu(middle(fast, 'landed')),
      alone,
      undefined,
      'the same with the units hashed and made durable',
    ),
    figure(
      'HTTP pages, CPU beside parsing',
      cpu(middle(fast, 'cut')),
      middle(fast, 'parsed'),
      undefined,
      'the connector beside undici with JSON.parse of each body and JSON.stringify of each record',
    ),
  ];
}

/** What the client of the connector takes by itself: per page, however large that is. */
function clientFigures(small: Passes, large: Passes): readonly Figure[] {
  const row = (passes: Passes, pages: number): Figure => {
    const [asked, alone] = [middle(passes, 'asked'), middle(passes, 'alone')];
    const page_us = ((asked.cpu_ms - alone.cpu_ms) * 1000) / pages;
    const size = alone.mb / pages;
    const words = size < 1 ? `${Math.round(size * 1000)} KB` : `${size.toFixed(1)} MB`;
    const note = `${pages} pages: each question put together and signed in, the rules for going out, limits of time and size, retries; what comes is read and forgotten, as by undici alone. ${page_us.toFixed(0)} µs a page, whatever its size`;
    return figure(`HTTP client alone, CPU, pages of ${words}`, cpu(asked), alone, 1.05, note);
  };
  return [row(small, PAGES), row(large, PAGES / 10)];
}

/** `dataflow ingest` as a process of its own: parse, Parquet, commit, and its start. */
async function wholeRun(folder: string, url: string, alone: Pass): Promise<Figure> {
  const cwd = join(folder, 'whole');
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  const pages = `{ style: page, size: ${RECORDS}, has_more: $.has_more }`;
  const source = `{ type: http, url: "${url}?times=1", records: $.data, pages: ${pages} }`;
  writeFileSync(join(cwd, 'pipelines.yaml'), `version: 1\nname: bench\nsources:\n  items: ${source}\n`);
  const { wall_ms, cpu_ms } = await timed(process.execPath, [BINARY, 'ingest'], { cwd });
  return figure(
    'HTTP pages, CPU of the whole',
    cpu({ wall_ms, cpu_ms, mb: alone.mb }),
    alone,
    undefined,
    `\`dataflow ingest\` from its start to the published table, ${(cpu_ms / 1000).toFixed(1)} s of processor time; beside undici alone, which keeps nothing`,
  );
}

function figure(
  name: string,
  { pass, value, text }: Side,
  beside: Pass,
  limit: number | undefined,
  note: string,
): Figure {
  const ratio = value(pass) / value(beside);
  const judged = limit === undefined ? {} : { limit: `≤ ${limit}`, ok: ratio <= limit };
  return { name, ours: text(pass), beside: text(beside), ratio: ratio.toFixed(2), ...judged, note };
}

const WAYS: readonly Way[] = ['alone', 'asked', 'cut', 'landed', 'parsed'];
type Passes = ReadonlyMap<Way, readonly Pass[]>;

/** Passes that alternate; one round more in the beginning warms up. */
async function alternate(ways: readonly Way[], runs: number, folder: string, load: Load): Promise<Passes> {
  const found = new Map<Way, Pass[]>(ways.map((way) => [way, []]));
  for (let round = 0; round <= runs; round++)
    for (const way of ways) {
      const pass = await measured(() => once(way, folder, load));
      if (round > 0) found.get(way)?.push(pass);
    }
  return found;
}

/** The median of the passes that went one way. */
function middle(found: Passes, way: Way): Pass {
  const passes = found.get(way) ?? [];
  return {
    wall_ms: median(passes.map((pass) => pass.wall_ms)),
    cpu_ms: median(passes.map((pass) => pass.cpu_ms)),
    mb: passes[0]?.mb ?? 1,
  };
}

async function measured(work: () => Promise<number>): Promise<Pass> {
  const [cpu, from] = [process.cpuUsage(), performance.now()];
  const bytes = await work();
  const used = process.cpuUsage(cpu);
  return { wall_ms: performance.now() - from, cpu_ms: (used.user + used.system) / 1000, mb: bytes / 1e6 };
}
