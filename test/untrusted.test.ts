import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Damage, damaged, seeded } from './support/damage.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** Files that nobody vouches for, on the built binary: whatever is in them, the run goes on with the others. */
const SOURCE = (more = ''): string =>
  `sources:
  a: { type: files, path: 'in/*.parquet', settle_seconds: 0, columns: { id: bigint, x: varchar, v: double, l: varchar }${more} }
`;
const DIGEST = `select _file, count(*) as n, cast(bit_xor(hash(id, x, v, l)) as varchar) as digest from bronze.a group by _file`;

let folder: string;
/** Sound files: of each compression, with dictionaries and nested columns, and one whose pages have checksums. */
const sound = new Map<string, Buffer>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-untrusted-'));
  const engine = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  for (const codec of ['snappy', 'zstd', 'uncompressed']) {
    const path = join(folder, `${codec}.parquet`);
    await engine.run(
      `copy (select range as id, 'name ' || (range * 7919 % 53) as x, range / 2 as v, range(range % 4) as l from range(400))
       to '${path}' (format parquet, compression ${codec})`,
    );
    sound.set(codec, readFileSync(path));
  }
  sound.set('checksums', readFileSync('fixtures/parquet/checksums.parquet'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function project(files: ReadonlyMap<string, Buffer>, more = ''): Place {
  const place = newPlace(SOURCE(more));
  mkdirSync(join(place.folder, 'in'));
  for (const [name, bytes] of files) writeFileSync(join(place.folder, 'in', `${name}.parquet`), bytes);
  return place;
}

function refusals(place: Place): ReadonlyMap<string, string> {
  const inputs = place.inputs().filter((input) => input.status === 'quarantined');
  return new Map(inputs.map((input) => [input.path, String(input.reason)]));
}

/** Different bytes, so that none is a duplicate: rows of another range. */
async function distinct(count: number): Promise<ReadonlyMap<string, Buffer>> {
  const engine = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const files = new Map<string, Buffer>();
  for (let i = 0; i < count; i++) {
    const path = join(folder, `f${i}.parquet`);
    await engine.run(`copy (select ${i} as id, 'x' as x, 0.5::double as v, [1] as l) to '${path}' (format parquet)`);
    files.set(`f${i}`, readFileSync(path));
  }
  return files;
}

describe('a reader that is lost', () => {
  it.each([
    ['segv', '', /crashed with SIGSEGV/],
    ['hog', ', limits: { file_memory_max: 200MB }', /needed more than 200 MB of memory/],
    ['hang', ', limits: { file_seconds_max: 3 }', /took longer than 3 s/],
  ])('case 26: %s: the file is quarantined with the reason, the others are loaded', async (action, more, reason) => {
    const place = project(await distinct(6), more);
    try {
      const run = place.dataflow(['run'], { DATAFLOW_FAULT: `reader-f3:${action}` });
      expect(run.status, run.stderr).toBe(4);
      const refused = refusals(place);
      expect([...refused.keys()]).toEqual(['in/f3.parquet']);
      expect(refused.get('in/f3.parquet')).toMatch(reason);
      expect(place.query('select id from bronze.a order by id').map((row) => row['id'])).toEqual([0, 1, 2, 4, 5]);
      expect(place.query('select file, rule from quarantine.bronze_a')).toEqual([
        { file: 'in/f3.parquet', rule: 'unsafe_file' },
      ]);
    } finally {
      place.remove();
    }
  });

  it('case 26: columns are inferred from the first file that can be read', async () => {
    const place = project(await distinct(3));
    try {
      const config = SOURCE().replace(/, columns: \{.*?\}/, '');
      place.put({ 'pipelines.yaml': `version: 1\n${config}` });
      expect(place.dataflow(['run'], { DATAFLOW_FAULT: 'reader-f0:segv' }).status).toBe(4);
      expect([...refusals(place)]).toEqual([['in/f0.parquet', 'the process that read it crashed with SIGSEGV']]);
      expect(place.query('select id, x from bronze.a order by id')).toEqual([
        { id: 1, x: 'x' },
        { id: 2, x: 'x' },
      ]);
    } finally {
      place.remove();
    }
  });

  it('columns are checked as in text files', async () => {
    const engine = await (await DuckDBInstance.create(':memory:')).connect();
    await engine.run(`copy (select 1 as id, 'x' as y) to '${join(folder, 'other.parquet')}' (format parquet)`);
    const place = project(new Map([['other', readFileSync(join(folder, 'other.parquet'))], ...(await distinct(1))]));
    try {
      place.dataflow(['run']);
      expect(refusals(place).get('in/other.parquet')).toMatch(/lacks x, v, l/);
      expect(place.query('select count(*) as n from bronze.a')).toEqual([{ n: 1 }]);
    } finally {
      place.remove();
    }
  });
});

const FILES = 560;

describe('damaged Parquet', () => {
  it(`case 26: ${FILES} files, cut off, zeroed and flipped: the run survives, each is refused or exactly right where that can be known`, () => {
    const random = seeded(20);
    const kinds = [...sound.keys()];
    const files = new Map<string, Buffer>();
    for (let i = 0; i < FILES; i++) {
      const kind = kinds[i % kinds.length] ?? '';
      const damage: Damage = i % 5 === 0 ? 'cut' : i % 5 === 1 ? 'zeros' : 'flip';
      const bytes = sound.get(kind) ?? Buffer.alloc(0);
      const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
      const covered = kind === 'checksums' && damage === 'flip';
      files.set(`${i}-${kind}-${damage}`, damaged(bytes, damage, random, 4, covered ? footer : bytes.length));
    }
    for (const [kind, bytes] of sound) files.set(`sound-${kind}`, bytes);
    const place = project(files);
    try {
      const run = place.dataflow(['run', '--format', 'json']);
      expect(run.status, run.stderr).toBe(4);
      const refused = refusals(place);
      const loaded = new Map(place.query(DIGEST).map((row) => [String(row['_file']), `${row['n']} ${row['digest']}`]));
      const right = loaded.get('in/sound-zstd.parquet');
      expect(right).toBeDefined();
      const duplicates = place.inputs().filter((input) => input.status === 'duplicate').length;
      expect(refused.size + loaded.size + duplicates).toBe(files.size);
      const wrong = [...loaded].filter(([, digest]) => digest !== right).map(([path]) => path);
      console.log(
        `${files.size} files: ${refused.size} refused, ${loaded.size - wrong.length} right, ${wrong.length} changed in bytes that nothing covers`,
      );
      expect(wrong.filter((path) => /cut|zeros|checksums|sound/.test(path))).toEqual([]);
      expect(JSON.parse(run.stdout).receipt.peak_memory_bytes).toBeLessThan(1e9);
    } finally {
      place.remove();
    }
  }, 120_000);

  it('a sound file is loaded whole after all', () => {
    const place = project(sound);
    try {
      expectDone(place.dataflow(['run']));
      expect(new Set(place.query(DIGEST).map((row) => row['digest'])).size).toBe(1);
    } finally {
      place.remove();
    }
  });
});
