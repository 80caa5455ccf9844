import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SourceProject } from '../../../connectors/testing/source-project.ts';

let projects: SourceProject[] = [];
afterEach(() => {
  for (const project of projects) project.remove();
  projects = [];
});

/** A source of eight units in one batch; with so few bytes a batch, units are parsed as soon as they are sealed. */
async function taken(more: object, env: Readonly<Record<string, string>> = {}) {
  const source = { type: 'fake', rows: 2000, faults: 0.02, unit_records: 250, ...more };
  const project = new SourceProject({ source });
  projects.push(project);
  const { stdout } = await project.ok(['ingest'], env);
  const table = join(project.root, 'lake/bronze/s');
  return {
    project,
    stdout,
    files: readdirSync(table).filter((name) => name.endsWith('.parquet')).length,
    rows: await project.query(
      'select * exclude (_file), split_part(_file, chr(47), 3) as unit from bronze.s order by id',
    ),
    rejects: await project.query('select rule, reason, raw, row_key from quarantine.bronze_s order by all'),
  };
}

const EARLY = { batch: { bytes: '800KB' } };

describe('units that are parsed while the source is asked for more', () => {
  it('bring the same rows and rejects, in several data files', async () => {
    const usual = await taken({});
    const early = await taken(EARLY);
    expect(usual.files).toBe(1);
    expect(early.files).toBeGreaterThan(1);
    expect(early.rows.length).toBeGreaterThan(1900);
    expect(early.rows).toEqual(usual.rows);
    expect(early.rejects).toEqual(usual.rejects);
    const { stdout } = await early.project.ok(['verify']);
    expect(stdout).not.toContain('missing');
  });

  it('are read into the columns that are declared, and what does not fit them is rejected', async () => {
    const columns = { id: 'bigint', amount: 'integer', product: 'varchar' };
    const [usual, early] = [await taken({ columns }), await taken({ ...EARLY, columns })];
    expect(early.rejects.length).toBeGreaterThan(0);
    expect(early.rows).toEqual(usual.rows);
    expect(early.rejects).toEqual(usual.rejects);
  });
});
