import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testComponents } from '../../../test/support/components.ts';
import { ProjectFiles } from './project-files.fixture.ts';
import { validateProject } from './validate-project.ts';

let folder: ProjectFiles;
beforeEach(() => {
  folder = new ProjectFiles();
});
afterEach(() => folder.remove());

const SOURCE =
  'sources:\n  s: { type: files, path: x.csv, columns: { id: bigint, montant: "decimal(12,2)", jour: date } }\n';

/** title, YAML, problems */
const PROBLEMS: readonly (readonly [string, string, readonly string[]])[] = [
  ['a later section', 'version: 1\nschedules: {}\n', ['2:1 E_CONFIG_INVALID schedules: not supported by this version']],
  ['an unknown section', 'sliver: {}\n', ['1:1 E_CONFIG_INVALID sliver: unknown section']],
  ['not a map', '- a\n', ['1:1 E_CONFIG_INVALID expected a map of sections (version, sources, silver, gold, …)']],
  ['a wrong version', 'version: 2\n', ['1:10 E_CONFIG_INVALID version: expected 1, found 2']],
  ['a wrong type', 'name: [a]\n', ['1:1 E_CONFIG_INVALID name: expected text, found a list']],
  [
    'a table name with a space',
    'gold:\n  "a b": select 1\n',
    [
      '2:3 E_CONFIG_INVALID gold["a b"]: a table name is letters, digits and _, at most 63, and does not start with a digit',
    ],
  ],
  [
    'fault 35: a table name that leaves the lake',
    'gold:\n  ../../etc: select 1\n',
    [
      '2:3 E_CONFIG_INVALID gold["../../etc"]: a table name is letters, digits and _, at most 63, and does not start with a digit',
    ],
  ],
  [
    'a table name that every object has',
    'gold: { constructor: select 1 }\n',
    ['1:9 E_CONFIG_INVALID gold.constructor: this name is reserved'],
  ],
  [
    'names that differ in case',
    'gold:\n  Ca: select 1\n  ca: select 1\n',
    ['3:3 E_CONFIG_INVALID gold.ca: this table differs from Ca only in letter case'],
  ],
  [
    'two layers in one folder',
    'lake:\n  layers: { bronze: a, silver: a }\n',
    ['2:3 E_CONFIG_INVALID lake.layers: the three layers need three different folders'],
  ],
  [
    'a layer folder that leaves the lake',
    'lake: { layers: { gold: ../x } }\n',
    ['1:25 E_CONFIG_INVALID lake.layers.gold: a folder name is letters, digits, _, . and -, and starts with a letter'],
  ],
  [
    'a lake on an unknown system',
    'lake: { url: ftp://x/y }\n',
    ['1:14 E_CONFIG_INVALID lake.url: expected a folder, hdfs://… or s3://…'],
  ],
  [
    'an unknown engine',
    'engine: { type: duckbd }\n',
    ['1:17 E_CONFIG_INVALID engine.type: "duckbd" is not known; one of duckdb'],
  ],
  ['an unknown engine option', 'engine: { treads: 2 }\n', ['1:11 E_CONFIG_INVALID engine.treads: unknown key']],
  [
    'an engine option out of range',
    'engine: { threads: 0 }\n',
    ['1:20 E_CONFIG_INVALID engine.threads: must be at least 1, found 0'],
  ],
  [
    'a source without type',
    'sources:\n  s: { path: x }\n',
    ['2:3 E_CONFIG_INVALID sources.s: type is missing (one of files)'],
  ],
  [
    'an unknown source type',
    'sources:\n  s: { type: file, path: x }\n',
    ['2:14 E_CONFIG_INVALID sources.s.type: "file" is not known; one of files'],
  ],
  [
    'a missing option',
    'sources:\n  s: { type: files }\n',
    ['2:3 E_CONFIG_INVALID sources.s.path: is missing (expected text)'],
  ],
  [
    'an unknown option',
    'sources:\n  s: { type: files, path: x, setle_seconds: 2 }\n',
    ['2:30 E_CONFIG_INVALID sources.s.setle_seconds: unknown key'],
  ],
  [
    'an unknown choice',
    'sources:\n  s: { type: files, path: x, on_rewrite: replce }\n',
    ['2:42 E_CONFIG_INVALID sources.s.on_rewrite: expected replace, append or error, found text "replce"'],
  ],
  [
    'a reserved column',
    'sources:\n  s: { type: files, path: x, columns: { _file: date } }\n',
    ['2:41 E_CONFIG_INVALID sources.s.columns._file: this column name is reserved'],
  ],
  [
    'a type that is none',
    'sources:\n  s: { type: files, path: x, columns: { a: varchr } }\n',
    ['2:44 E_CONFIG_INVALID sources.s.columns.a: "varchr" is not a type the lake can store'],
  ],
  [
    'a type that the lake cannot keep',
    'sources:\n  s: { type: files, path: x, columns: { a: interval } }\n',
    ['2:44 E_CONFIG_INVALID sources.s.columns.a: "interval" is not a type the lake can store'],
  ],
  [
    'fault 49: a type that is more than one',
    'sources:\n  s: { type: files, path: x, columns: { a: "enum(\'x\'); drop table b" } }\n',
    [
      '2:44 E_CONFIG_INVALID sources.s.columns.a: the type contains a semicolon: one statement only, without ; at its end',
    ],
  ],
  [
    'a type that every object has',
    'sources:\n  s: { type: files, path: x, columns: { a: constructor } }\n',
    ['2:44 E_CONFIG_INVALID sources.s.columns.a: the type is no type'],
  ],
  [
    'columns that differ in case',
    'sources:\n  s: { type: files, path: x, columns: { a: date, A: date } }\n',
    ['2:50 E_CONFIG_INVALID sources.s.columns.A: this column differs from a only in letter case'],
  ],
  [
    'an unknown key of a table',
    `${SOURCE}silver:\n  t:\n    from: s\n    rule: []\n`,
    ['6:5 E_CONFIG_INVALID silver.t.rule: unknown key'],
  ],
  [
    'from missing',
    'silver:\n  t: { key: id }\n',
    ['2:3 E_CONFIG_INVALID silver.t.from: is missing (expected text or a list)'],
  ],
  [
    'an entry of a list of the wrong type',
    'silver:\n  t: { from: [s, 3] }\nsources: { s: { type: files, path: x } }\n',
    ['2:18 E_CONFIG_INVALID silver.t.from[1]: expected text, found 3'],
  ],
  [
    'a key column twice',
    `${SOURCE}silver:\n  t: { from: s, key: [id, ID] }\n`,
    ['4:17 E_CONFIG_INVALID silver.t.key: a column occurs twice'],
  ],
  [
    'dedupe without key',
    `${SOURCE}silver:\n  t: { from: s, dedupe: { keep: first } }\n`,
    ['4:17 E_CONFIG_INVALID silver.t.dedupe: needs key: duplicates are rows with the same key'],
  ],
  [
    'SQL that breaks out',
    `${SOURCE}silver:\n  t: { from: s, where: "id > 0) or (1 = 1" }\n`,
    ["4:24 E_CONFIG_INVALID silver.t.where: the SQL has a ')' that closes nothing"],
  ],
  [
    'SQL in select that is empty',
    `${SOURCE}silver:\n  t: { from: s, select: { x: "" } }\n`,
    ['4:30 E_CONFIG_INVALID silver.t.select.x: the SQL is empty'],
  ],
  [
    'an unknown check',
    `${SOURCE}silver:\n  t:\n    from: s\n    rules:\n      - { betwen: { column: id } }\n`,
    ['7:11 E_CONFIG_INVALID silver.t.rules[0].betwen: there is no check betwen'],
  ],
  [
    'a check that is only a test',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ unique: id }] }\n`,
    ['4:27 E_CONFIG_INVALID silver.t.rules[0].unique: unique can only be used under tests'],
  ],
  [
    'two checks in one entry',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ not_null: id, not_future: jour }] }\n`,
    ['4:41 E_CONFIG_INVALID silver.t.rules[0].not_future: one check an entry: start a new list entry with -'],
  ],
  [
    'a check without check',
    `${SOURCE}silver:\n  t: { from: s, tests: [{ severity: warn }] }\n`,
    [
      '4:25 E_CONFIG_INVALID silver.t.tests[0]: names no check; one of not_null, unique, between, not_future, accepted_values, matches, length, references, expr, row_count, freshness, sql',
    ],
  ],
  [
    'an unknown severity',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ not_null: id, severity: wran }] }\n`,
    ['4:51 E_CONFIG_INVALID silver.t.rules[0].severity: expected fail or warn, found text "wran"'],
  ],
  [
    'a check option of the wrong type',
    `${SOURCE}silver:\n  t:\n    from: s\n    rules:\n      - { not_null: id }\n      - { between: { column: montant, above: [0] } }\n`,
    ['8:39 E_CONFIG_INVALID silver.t.rules[1].between.above: expected a number or text, found a list'],
  ],
  [
    'a check that checks nothing',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ between: { column: id } }] }\n`,
    ['4:27 E_CONFIG_INVALID silver.t.rules[0].between: give at least one of min, max, above, below'],
  ],
  [
    'a name given twice',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ not_null: id, name: a }, { not_null: jour, name: a }] }\n`,
    ['4:76 E_CONFIG_INVALID silver.t.rules[1].name: the name a occurs twice'],
  ],
  [
    'fault 29: a number that would lose digits',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ between: { column: id, max: 12345678901234567890 } }] }\n`,
    ['4:55 E_CONFIG_INVALID 12345678901234567890 has more digits than a number can keep: put it in quotes'],
  ],
  [
    'an unknown column or source to generate',
    'sources:\n  s: { type: files, path: x, columns: { id: bigint }, generate: { per: { references: t }, columns: { idd: { unique: true } } } }\n',
    [
      '2:86 E_CONFIG_REFERENCE sources.s.generate.per.references: there is no source t',
      '2:102 E_CONFIG_REFERENCE sources.s.generate.columns.idd: bronze.s has no column idd',
    ],
  ],
  [
    'an unknown source',
    `${SOURCE}silver:\n  t: { from: [s, ss] }\n`,
    ['4:18 E_CONFIG_REFERENCE silver.t.from[1]: there is no source ss'],
  ],
  [
    'an unknown table',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ references: { column: id, table: silver.clients, on: id } }] }\n`,
    ['4:60 E_CONFIG_REFERENCE silver.t.rules[0].references.table: there is no table silver.clients'],
  ],
  [
    'an unknown key column',
    `${SOURCE}silver:\n  t: { from: s, key: [id, idd] }\n`,
    ['4:27 E_CONFIG_REFERENCE silver.t.key[1]: silver.t has no column idd'],
  ],
  [
    'an unknown column in dedupe',
    `${SOURCE}silver:\n  t: { from: s, key: id, dedupe: { by: jours } }\n`,
    ['4:40 E_CONFIG_REFERENCE silver.t.dedupe.by: silver.t has no column jours'],
  ],
  [
    'an unknown column in partition_by',
    `${SOURCE}silver:\n  t: { from: s, partition_by: x }\n`,
    ['4:31 E_CONFIG_REFERENCE silver.t.partition_by: silver.t has no column x'],
  ],
  [
    'an unknown column in a rule',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ not_null: [id, nom] }] }\n`,
    ['4:42 E_CONFIG_REFERENCE silver.t.rules[0].not_null[1]: silver.t has no column nom'],
  ],
  [
    'an unknown column in a test',
    `${SOURCE}silver:\n  t: { from: s, tests: [{ freshness: { column: jou, max_age: 2d } }] }\n`,
    ['4:48 E_CONFIG_REFERENCE silver.t.tests[0].freshness.column: silver.t has no column jou'],
  ],
  [
    'an unknown column of the other table',
    `${SOURCE}silver:\n  t: { from: s }\n  u: { from: s, rules: [{ references: { column: id, table: silver.t, on: idt } }] }\n`,
    ['5:74 E_CONFIG_REFERENCE silver.u.rules[0].references.on: silver.t has no column idt'],
  ],
  [
    'a table that refers to itself',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ references: { column: id, table: silver.t, on: id } }] }\n`,
    [
      '4:60 E_CONFIG_CYCLE silver.t.rules[0].references.table: tables depend on each other in a circle: silver.t → silver.t',
    ],
  ],
  [
    'tables that refer to each other',
    `${SOURCE}silver:\n  t: { from: s, rules: [{ references: { column: id, table: silver.u, on: id } }] }\n  u: { from: s, rules: [{ references: { column: id, table: silver.t, on: id } }] }\n`,
    [
      '5:60 E_CONFIG_CYCLE silver.u.rules[0].references.table: tables depend on each other in a circle: silver.t → silver.u → silver.t',
    ],
  ],
  [
    'a missing SQL file',
    'gold:\n  a: { sql: models/x.sql }\n',
    ['2:13 E_CONFIG_NOT_FOUND gold.a.sql: there is no file models/x.sql'],
  ],
  [
    'YAML that is none',
    'a: [1\nb: 2\n',
    ['2:1 E_CONFIG_SYNTAX Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  ['a tab for indentation', 'gold:\n\ta: 1\n', ['2:1 E_CONFIG_SYNTAX Tabs are not allowed as indentation']],
  [
    'a key twice',
    'gold:\n  a: select 1\n  b: select 1\n  a: select 2\n',
    ['4:3 E_CONFIG_SYNTAX a occurs twice: here and in line 2'],
  ],
  ['a tag', 'name: !!js/function x\n', ['1:7 E_CONFIG_SYNTAX Unresolved tag: tag:yaml.org,2002:js/function']],
  [
    'a merge key',
    'gold: { a: &a { sql: select 1 }, b: { <<: *a } }\n',
    [
      '1:34 E_CONFIG_INVALID gold.b.sql: is missing (expected text or a map)',
      '1:39 E_CONFIG_INVALID gold.b["<<"]: unknown key',
    ],
  ],
  ['an alias of nothing', 'name: *x\n', ['1:7 E_CONFIG_SYNTAX *x names no earlier anchor']],
  ['a list as a key', '? [a]\n: 1\n', ['1:3 E_CONFIG_SYNTAX With stringKeys, all keys must be strings']],
];

describe('problems, each at its place', () => {
  it.each(PROBLEMS)('%s', async (_title, text, expected) => {
    folder.put({ 'pipelines.yaml': text });
    expect(await folder.problems()).toEqual(expected.map((line) => `pipelines.yaml:${line}`));
  });

  it('are reported all at once, in the order of the text, shape and names together', async () => {
    folder.put({
      'pipelines.yaml': `${SOURCE}silver:
  broken: { from: s, kye: id, rules: [{ not_nul: id }] }
  good: { from: t, rules: [{ references: { column: id, table: silver.broken, on: id } }] }
gold: { a: 3 }
schedules: {}
`,
    });
    expect(await folder.problems()).toEqual([
      'pipelines.yaml:4:22 E_CONFIG_INVALID silver.broken.kye: unknown key',
      'pipelines.yaml:4:41 E_CONFIG_INVALID silver.broken.rules[0].not_nul: there is no check not_nul',
      'pipelines.yaml:5:17 E_CONFIG_REFERENCE silver.good.from: there is no source t',
      'pipelines.yaml:6:12 E_CONFIG_INVALID gold.a: expected text or a map, found 3',
      'pipelines.yaml:7:1 E_CONFIG_INVALID schedules: not supported by this version',
    ]);
  });

  it.each([
    ['sliver: {}', 'Did you mean silver?'],
    ['sources: { s: { type: files, path: x, setle_seconds: 2 } }', 'Did you mean settle_seconds?'],
    ['sources: { s: { type: files, path: x, scheme_change: freeze } }', 'Did you mean schema_change?'],
    ['sources: { s: { type: files, path: x, on_rewrite: replce } }', 'Did you mean replace?'],
    ['silver: { t: { from: s, dedup: {} } }', 'Did you mean dedupe?'],
    ['silver: { t: { from: s, rules: [{ betwen: {} }] } }', 'Did you mean between?'],
    ['silver: { t: { from: s, rules: [{ between: { column: a, mim: 1 } }] } }', 'Did you mean min?'],
    ['sources: { achats: { type: files, path: x } }\nsilver: { t: { from: bronze.achats } }', undefined],
    ['sources: { achats: { type: files, path: x } }\nsilver: { t: { from: achat } }', 'Did you mean achats?'],
    ['sources: { s: { type: files, path: x, columns: { a: varchr } } }', 'Did you mean varchar?'],
    ['engine: { type: duckbd }', 'Did you mean duckdb?'],
  ])('%s → %s', async (text, hint) => {
    folder.put({ 'pipelines.yaml': text });
    const { problems: found } = await validateProject({ cwd: folder.root, env: {}, components: testComponents });
    if (hint === undefined) expect(found).toHaveLength(1);
    else expect(found.map((problem) => problem.hint)).toContain(hint);
  });
});
