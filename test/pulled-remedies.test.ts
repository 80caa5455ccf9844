import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SourceProject } from '../src/connectors/testing/source-project.ts';

const { DatabaseSync } = createRequire(import.meta.url)(
  '@photostructure/sqlite',
) as typeof import('@photostructure/sqlite');

/** What `verify` says of a source that is asked when its table is damaged is tried as it stands. */
let project: SourceProject | undefined;
afterEach(() => project?.remove());

interface Found {
  readonly findings: readonly { readonly severity: string; readonly message: string; readonly remedy: string | null }[];
}

const SOURCES = [
  ['that adds', { type: 'sqlite', path: 'shop.db', table: 'stock', cursor: { column: 'id' } }],
  ['that is taken whole', { type: 'sqlite', path: 'shop.db', table: 'stock' }],
] as const;

type Damage = (folder: string, files: readonly string[]) => void;
const DAMAGES: readonly (readonly [words: string, damage: Damage])[] = [
  [
    'data files that are gone',
    (folder, files) => {
      for (const file of files) rmSync(join(folder, file));
    },
  ],
  [
    'data files with other bytes',
    (folder, files) => {
      for (const file of files) writeFileSync(join(folder, file), 'PAR1');
    },
  ],
  ['its folder that is gone', (folder) => rmSync(folder, { recursive: true })],
];

describe.each(SOURCES)('a source %s', { timeout: 60_000 }, (_, source) => {
  it.each(DAMAGES)('comes back by what verify says of %s', async (__, damage) => {
    const at = new SourceProject({ source });
    project = at;
    const db = new DatabaseSync(join(at.root, 'shop.db'));
    db.exec('create table stock (id integer); insert into stock values (1), (2), (3)');
    await at.ok(['run']);
    db.exec('insert into stock values (4), (5)');
    db.close();
    await at.ok(['run']);
    const folder = join(at.root, 'lake/bronze/s');
    damage(
      folder,
      readdirSync(folder).filter((name) => name.endsWith('.parquet')),
    );
    const verified = await at.run(['verify', '--format', 'json']);
    expect(verified.status).not.toBe(0);
    const { findings } = JSON.parse(verified.stdout) as Found;
    const broken = findings.filter((one) => one.severity === 'error');
    expect(broken.length).toBeGreaterThan(0);
    for (const { remedy, message } of broken) expect(remedy, message).not.toBeNull();
    const commands = new Set(
      broken.flatMap(
        ({ remedy }) => remedy?.match(/dataflow run( --[a-z-]+( bronze\.s\+?)?)*|dataflow ledger rebuild/g) ?? [],
      ),
    );
    expect(commands.size, JSON.stringify(broken)).toBeGreaterThan(0);
    for (const command of commands) await at.ok(command.split(' ').slice(1));
    const ids = (await at.query('select id from bronze.s order by id')).map((row) => Number(row['id']));
    expect(ids, [...commands].join('; ')).toEqual([1, 2, 3, 4, 5]);
    const after = JSON.parse((await at.run(['verify', '--format', 'json'])).stdout) as Found;
    const newest = after.findings.filter(
      (one) => one.severity === 'error' && !one.remedy?.startsWith('The newest version does not hold it'),
    );
    expect(newest).toEqual([]);
  });
});
