import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
/** The cheapest honest walk: list the folder, stat every file. */
const WALK = `const fs=require('node:fs');let n=0;for(const f of fs.readdirSync('in')){n+=fs.statSync('in/'+f,{bigint:true}).size>0n?1:0}console.log(n)`;

/** A run that finds nothing to do over unchanged files, beside a bare stat walk in a fresh Node. */
export async function noopRun(settings: BenchSettings): Promise<readonly Figure[]> {
  return [await over(10_000, 2, settings), await over(100_000, 1.5, settings)];
}

async function over(files: number, limit: number, settings: BenchSettings): Promise<Figure> {
  const cwd = join(settings.folder, String(files));
  mkdirSync(join(cwd, 'in'), { recursive: true });
  const old = new Date(Date.now() - 60_000);
  for (let i = 0; i < files; i++) {
    const file = join(cwd, `in/f${String(i).padStart(6, '0')}.csv`);
    writeFileSync(file, `id,x\n${i},${i * 7}\n`);
    utimesSync(file, old, old);
  }
  writeFileSync(
    join(cwd, 'pipelines.yaml'),
    'version: 1\nname: noop\nlake: { url: ./lake }\nsources:\n  a: { type: files, path: "in/*.csv", columns: { id: bigint, x: bigint } }\nsilver:\n  a: { from: a, key: id }\n',
  );
  await timed(process.execPath, [BINARY, 'run'], { cwd });
  const ours: number[] = [];
  const walk: number[] = [];
  for (let i = 0; i < Math.max(settings.runs, 9); i++) {
    walk.push((await timed(process.execPath, ['-e', WALK], { cwd })).wall_ms);
    const run = await timed(process.execPath, [BINARY, 'run'], { cwd });
    ours.push(run.wall_ms);
  }
  return ratioFigure(
    `no-op run over ${files.toLocaleString('en')} files`,
    median(ours),
    median(walk),
    limit,
    'beside a stat walk in a fresh Node, which is about half of ours; the rest is our own start, the kinds of the files, and what the ledger knows of them as one text',
  );
}
