import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { retailProject } from './full-run.ts';
import { median, timed } from './measure.ts';
import { makeRetail } from './retail-data.ts';

const BINARY = resolve('bin/dataflow.js');

/** `verify` of a whole lake beside a bare hash of its data files: `sha256sum`, or `openssl dgst -sha256` where that is faster. */
export async function verifySpeed(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  retailProject(cwd);
  await makeRetail(join(cwd, 'data'), settings.rows);
  await timed(process.execPath, [BINARY, 'run'], { cwd, expect: [0, 4] });
  const files = readdirSync(join(cwd, 'lake'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.zst.parquet'))
    .map((name) => join('lake', name));
  const bytes = files.reduce((sum, file) => sum + statSync(join(cwd, file)).size, 0);
  const ours: number[] = [];
  const sum: number[] = [];
  const openssl: number[] = [];
  for (let i = 0; i < settings.runs; i++) {
    sum.push((await timed('sha256sum', files, { cwd })).wall_ms);
    openssl.push((await timed('openssl', ['dgst', '-sha256', ...files], { cwd })).wall_ms);
    ours.push((await timed(process.execPath, [BINARY, 'verify'], { cwd })).wall_ms);
  }
  const bare = Math.min(median(sum), median(openssl));
  const size = `${(bytes / 1e6).toFixed(0)} MB in ${files.length} files`;
  const note =
    'logs, ledger, balances, inputs and keys too; beside the faster of sha256sum and openssl. 0.7 of its speed is a ratio of 1.43';
  return [ratioFigure(`verify, ${size}`, median(ours), bare, 1.43, note)];
}
