import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testComponents } from '../../../test/support/components.ts';
import { ProjectFiles } from './project-files.fixture.ts';
import { validateProject } from './validate-project.ts';

let folder: ProjectFiles;
beforeEach(() => {
  folder = new ProjectFiles();
});
afterEach(() => folder.remove());

describe('a whole project', () => {
  it('gives defaults, absolute paths and names', async () => {
    folder.put({
      'pipelines.yaml': `version: 1
name: factures
lake: { layers: { bronze: raw } }
engine: { memory_limit: 4GB }
sources:
  achats: { type: files, path: 'inbox/*.csv', columns: { ID: INT8, pays: TEXT }, tags: daily }
silver:
  achats:
    from: achats
    select: { pays: upper(pays) }
    where: id > 0
    rules:
      - { not_null: [id, pays] }
      - { between: { column: id, above: 0 } }
      - { between: { column: id, max: 10 }, severity: warn }
      - { name: known, expr: "pays in ('FR')", severity: warn }
    key: id
    dedupe: { keep: first }
    tests: [{ unique: id }, { row_count: { min: 1 } }]
gold:
  a: models/a.sql
  b: { sql: models/b.sql, key: [x, y], refresh: { by: x } }
  c: select 1 as x from silver.achats
`,
      'models/a.sql': 'select 1 as a\n',
      'models/b.sql': 'select 2 as x, 3 as y',
    });
    const { project, files, place, warnings } = await folder.load();
    expect(project).toEqual({
      name: 'factures',
      root: folder.root,
      config_file: join(folder.root, 'pipelines.yaml'),
      lake: {
        url: join(folder.root, 'lake'),
        layers: { bronze: 'raw', silver: 'silver', gold: 'gold' },
        keep: { versions_days: 30, quarantine_days: 90 },
      },
      engine: { type: 'duckdb', memory_limit: '4GB' },
      connections: {},
      sources: {
        achats: {
          type: 'files',
          columns: { ID: 'bigint', pays: 'varchar' },
          schema_change: 'freeze',
          on_rewrite: 'replace',
          tags: ['daily'],
          options: { path: 'inbox/*.csv', settle_seconds: 0 },
        },
      },
      silver: {
        achats: {
          from: ['achats'],
          select: { pays: 'upper(pays)' },
          where: 'id > 0',
          rules: [
            { check: 'not_null', name: 'not_null_id_pays', severity: 'fail', params: ['id', 'pays'] },
            { check: 'between', name: 'between_id', severity: 'fail', params: { column: 'id', above: 0 } },
            { check: 'between', name: 'between_id_2', severity: 'warn', params: { column: 'id', max: 10 } },
            { check: 'expr', name: 'known', severity: 'warn', params: "pays in ('FR')" },
          ],
          key: ['id'],
          dedupe: { keep: 'first', before_rules: false },
          partition_by: [],
          tests: [
            { check: 'unique', name: 'unique_id', severity: 'fail', params: ['id'] },
            { check: 'row_count', name: 'row_count', severity: 'fail', params: { min: 1 } },
          ],
          tags: [],
        },
      },
      gold: {
        a: {
          sql: 'select 1 as a\n',
          sql_file: join(folder.root, 'models/a.sql'),
          key: [],
          partition_by: [],
          tests: [],
          tags: [],
        },
        b: {
          sql: 'select 2 as x, 3 as y',
          sql_file: join(folder.root, 'models/b.sql'),
          key: ['x', 'y'],
          refresh: { by: 'x' },
          partition_by: [],
          tests: [],
          tags: [],
        },
        c: {
          sql: 'select 1 as x from silver.achats',
          sql_file: join(folder.root, 'pipelines.yaml'),
          key: [],
          partition_by: [],
          tests: [],
          tags: [],
        },
      },
    });
    expect(files.map((file) => file.slice(folder.root.length + 1))).toEqual([
      'pipelines.yaml',
      'models/a.sql',
      'models/b.sql',
    ]);
    expect(place(['silver', 'achats', 'rules', 1, 'between', 'above'])).toEqual({
      file: join(folder.root, 'pipelines.yaml'),
      line: 14,
      column: 41,
    });
    expect(place(['silver', 'achats', 'dedupe', 'by'])).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('hashes the text of every file read, and nothing else', async () => {
    folder.put({ 'pipelines.yaml': 'gold: { a: a.sql }\n', 'a.sql': 'select 1', 'other.sql': 'select 3' });
    const first = await folder.load();
    expect((await folder.load({ X: '1' })).source_text_hash).toBe(first.source_text_hash);
    folder.put({ 'a.sql': 'select 2' });
    expect((await folder.load()).source_text_hash).not.toBe(first.source_text_hash);
  });

  it('keeps text that other readers turn into something else', async () => {
    folder.put({ 'pipelines.yaml': 'sources: { s: { type: files, path: NO, description: 2026-01-31 } }' });
    expect((await folder.load()).project.sources['s']).toMatchObject({
      options: { path: 'NO' },
      description: '2026-01-31',
    });
  });

  it('reads 010 as ten, and says so', async () => {
    folder.put({ 'pipelines.yaml': 'sources: { s: { type: files, path: x, settle_seconds: 010 } }' });
    const { project, warnings } = await folder.load();
    expect(project.sources['s']?.options['settle_seconds']).toBe(10);
    expect(warnings).toEqual([
      `${folder.root}/pipelines.yaml:1:55: 010 is read as the number 10; put it in quotes if it is text`,
    ]);
  });

  it('accepts an empty file: a project without tables', async () => {
    folder.put({ 'pipelines.yaml': '# nothing yet\n' });
    expect(Object.keys((await folder.load()).project.sources)).toEqual([]);
  });
});

describe('validateProject', () => {
  it('returns problems as data', async () => {
    folder.put({ 'pipelines.yaml': 'name: []\n' });
    const result = await validateProject({ cwd: folder.root, env: {}, components: testComponents });
    expect(result.valid).toBe(false);
    expect(result.problems).toEqual([
      {
        code: 'E_CONFIG_INVALID',
        message: 'name: expected text, found a list',
        hint: 'See docs/reference/pipelines.md for the allowed values.',
        file: join(folder.root, 'pipelines.yaml'),
        line: 1,
        column: 1,
      },
    ]);
    expect(result.project).toBeUndefined();
  });

  it('returns the project when there is nothing to say', async () => {
    folder.put({ 'pipelines.yaml': 'name: x\n' });
    expect(await validateProject({ cwd: folder.root, env: {}, components: testComponents })).toMatchObject({
      valid: true,
      problems: [],
      project: { name: 'x' },
    });
  });

  it('says when there is no configuration', async () => {
    const { problems: found } = await validateProject({ cwd: folder.root, env: {}, components: testComponents });
    expect(found).toMatchObject([{ code: 'E_CONFIG_NOT_FOUND' }]);
  });
});
