import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const FILES = 100_000;
const ROWS = 20;

/** The engine alone over the same glob: it neither hashes nor checks nor remembers a file. */
const GLOB = `const {DuckDBInstance}=require(process.argv[1]);(async()=>{
  const db=await(await DuckDBInstance.create(':memory:',{threads:'2',memory_limit:'4GB'})).connect();
  await db.run("copy (select *, filename from read_csv('in/*.csv', header=true, auto_detect=false, delim=',', quote='\\"', columns={'id':'bigint','nom':'varchar','email':'varchar','montant':'decimal(12,2)'})) to 'raw.parquet' (format parquet, compression zstd)");
})()`;

/** A first load of many small files, beside the engine's own reading of the glob. */
export async function manyFiles(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  mkdirSync(join(cwd, 'in'), { recursive: true });
  const old = new Date(Date.now() - 3_600_000);
  for (let i = 0; i < FILES; i++) {
    const file = join(cwd, `in/f${String(i).padStart(6, '0')}.csv`);
    const rows = Array.from(
      { length: ROWS },
      (_, k) => `${i * ROWS + k},Nom numero ${k},client${i}_${k}@exemple.fr,${k * 3 + (i % 100)}.50\n`,
    );
    writeFileSync(file, `id,nom,email,montant\n${rows.join('')}`);
    utimesSync(file, old, old);
  }
  writeFileSync(
    join(cwd, 'pipelines.yaml'),
    'version: 1\nname: many\nlake: { url: ./lake }\nengine: { type: duckdb, threads: 2, memory_limit: 4GB }\nsources:\n  a: { type: files, path: "in/*.csv", columns: { id: bigint, nom: varchar, email: varchar, montant: "decimal(12,2)" } }\n',
  );
  const ours: number[] = [];
  const glob: number[] = [];
  for (let i = 0; i < Math.min(settings.runs, 3); i++) {
    rmSync(join(cwd, 'lake'), { recursive: true, force: true });
    glob.push((await timed(process.execPath, ['-e', GLOB, resolve('node_modules/@duckdb/node-api')], { cwd })).wall_ms);
    ours.push((await timed(process.execPath, [BINARY, 'run'], { cwd })).wall_ms);
  }
  rmSync(join(cwd, 'in'), { recursive: true, force: true });
  return [
    ratioFigure(
      `${FILES.toLocaleString('en')} files of 1 KB`,
      median(ours),
      median(glob),
      1,
      'first load, each file hashed, checked and recorded, beside the engine’s read of the glob to one Parquet file',
    ),
  ];
}
