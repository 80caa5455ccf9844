// What landed units cost the bare runtime: raw-parts.mjs FOLDER READER. Prints milliseconds of processor time as JSON:
// engine: one query per unit from its text to zstd Parquet; READER is a call of DuckDB with FILE for the unit's path
// write: the same bytes into new files, made durable; again: once more into these files, whose pages the kernel has by then
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const [folder, reader] = process.argv.slice(2);
const units = readdirSync(folder)
  .filter((name) => /\.(csv|ndjson)$/.test(name) && !name.includes('unreadable'))
  .sort();
const made = join(folder, 'parts');
mkdirSync(made);

async function cpuOf(work) {
  const before = process.cpuUsage();
  await work();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

function writeAll(flags) {
  let ms = 0;
  return units
    .reduce(async (before, name) => {
      await before;
      const bytes = readFileSync(join(folder, name));
      ms += await cpuOf(() => {
        const file = openSync(join(made, name), flags);
        for (let at = 0; at < bytes.length; at += 262_144)
          writeSync(file, bytes, at, Math.min(262_144, bytes.length - at), at);
        fsyncSync(file);
        closeSync(file);
      });
    }, Promise.resolve())
    .then(() => ms);
}

const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
const engine = await cpuOf(async () => {
  for (const name of units) {
    const source = reader.replace('FILE', `'${join(folder, name)}'`);
    await connection.run(
      `copy (select * from ${source}) to '${join(made, 'out.parquet')}' (format parquet, compression zstd)`,
    );
  }
});
const write = await writeAll('w');
const again = await writeAll('r+');
rmSync(made, { recursive: true });
console.log(JSON.stringify({ engine, write, again }));
