import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataflowError } from '../errors/dataflow-error.ts';
import type { Project } from '../model/project.ts';
import type { StepRecord } from '../ports/ledger.ts';
import { codeFingerprint } from './fingerprint.ts';
import { judgeFreshness } from './freshness.ts';
import { buildGraph, descendantsOf, type Node } from './graph.ts';
import { selectNodes } from './selection.ts';
import { clockReadIn, normaliseSql, tablesNamedIn } from './sql-refs.ts';

const source = { type: 'files', schema_change: 'evolve', on_rewrite: 'replace', tags: ['raw'], options: {} } as const;
const silver = { select: {}, rules: [], key: [], partition_by: [], tests: [], tags: [] };
const gold = { sql_file: 'models/x.sql', key: [], partition_by: [], tests: [], tags: ['daily'] };

function project(parts: Partial<Project> = {}): Project {
  return {
    name: 'shop',
    root: '/p',
    config_file: '/p/pipelines.yaml',
    lake: {
      url: '/p/lake',
      layers: { bronze: 'bronze', silver: 'silver', gold: 'gold' },
      keep: { versions_days: 30, quarantine_days: 90 },
    },
    engine: { type: 'duckdb' },
    connections: {},
    sources: { clients: source, achats: source },
    silver: { clients: { ...silver, from: ['clients'] }, achats: { ...silver, from: ['achats'] } },
    gold: {
      fact: { ...gold, sql: 'select * from silver.achats a join gold.dim d using (id)' },
      dim: { ...gold, sql: "select * from silver.clients -- gold.fact\nwhere x <> 'gold.kpi'" },
      kpi: {
        ...gold,
        sql: 'with t as (select * from "gold"."fact") select count(*) from t',
        sql_file: 'models/kpis/k.sql',
        tags: [],
      },
    },
    ...parts,
  };
}

const graph = buildGraph(project(), new Map());
const pick = (select: string[], exclude: string[] = [], layer?: string): string[] =>
  [...selectNodes(graph, { select, exclude, ...(layer === undefined ? {} : { layer }) })].sort();

describe('tables named in SQL', () => {
  it.each([
    ['select * from silver.achats', ['silver.achats']],
    ["select 'silver.a' from gold.b -- silver.c\n/* gold.d */", ['gold.b']],
    ['select * from "silver"."achats" s join SILVER.clients using (id)', ['silver.achats', 'silver.clients']],
    ['select t.silver.x from bronze.t', ['bronze.t']],
    ['select $$ gold.x $$, $q$ silver.y $q$ from gold.z', ['gold.z']],
    ['select e.gold from other.gold e', []],
  ])('%s', (sql, tables) => {
    expect(tablesNamedIn(sql)).toEqual(tables);
  });

  it('never throws and always ends, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(tablesNamedIn(text))));
  });

  it('comments and blanks do not change the normal form, strings do', () => {
    expect(normaliseSql('select  1 -- x\n , 2')).toBe(normaliseSql('select 1 /* y */ , 2'));
    expect(normaliseSql("select 'a  b'")).not.toBe(normaliseSql("select 'a b'"));
  });
});

describe('graph', () => {
  it('orders every table after what it reads', () => {
    const at = new Map(graph.nodes.map((node, index) => [node.key, index]));
    for (const node of graph.nodes)
      for (const input of node.inputs) expect(at.get(input)).toBeLessThan(at.get(node.key) ?? -1);
  });

  it('refuses a circle and names it', () => {
    const circular = project({
      gold: { a: { ...gold, sql: 'select * from gold.b' }, b: { ...gold, sql: 'select * from gold.a' } },
    });
    expect(() => buildGraph(circular, new Map())).toThrow(/gold\.a → gold\.b → gold\.a/);
  });

  it('refuses an unknown table', () => {
    const wrong = project({ gold: { a: { ...gold, sql: 'select * from silver.nope' } } });
    expect(() => buildGraph(wrong, new Map())).toThrow(DataflowError);
  });

  it('knows what depends on a table', () => {
    expect([...descendantsOf(graph, new Set(['bronze.clients']))].sort()).toEqual([
      'gold.dim',
      'gold.fact',
      'gold.kpi',
      'silver.clients',
    ]);
  });
});

describe('selection grammar', () => {
  it.each([
    [['fact'], ['gold.fact']],
    [['gold.*'], ['gold.dim', 'gold.fact', 'gold.kpi']],
    [['+dim'], ['bronze.clients', 'gold.dim', 'silver.clients']],
    [['1+fact'], ['gold.dim', 'gold.fact', 'silver.achats']],
    [['silver.achats+'], ['gold.fact', 'gold.kpi', 'silver.achats']],
    [['silver.achats+1'], ['gold.fact', 'silver.achats']],
    [
      ['@dim'],
      ['bronze.achats', 'bronze.clients', 'gold.dim', 'gold.fact', 'gold.kpi', 'silver.achats', 'silver.clients'],
    ],
    [['tag:daily'], ['gold.dim', 'gold.fact']],
    [['tag:daily,silver.achats+'], ['gold.fact']],
    [['dim kpi'], ['gold.dim', 'gold.kpi']],
    [['path:models/kpis'], ['gold.kpi']],
    [['source:achats'], ['bronze.achats']],
    [['layer:silver'], ['silver.achats', 'silver.clients']],
  ])('%j', (select, keys) => {
    expect(pick(select)).toEqual(keys);
  });

  it('excludes, and takes a layer', () => {
    expect(pick(['gold.*'], ['kpi'])).toEqual(['gold.dim', 'gold.fact']);
    expect(pick([], [], 'silver')).toEqual(['silver.achats', 'silver.clients']);
  });

  it('refuses ends between which nothing lies', () => {
    const gold = graph.nodes.find((node) => node.layer === 'gold')?.key ?? '';
    const bronze = graph.nodes.find((node) => node.layer === 'bronze')?.key ?? '';
    expect(selectNodes(graph, { select: [], exclude: [], from: [bronze] }).size).toBeGreaterThan(0);
    expect(() => selectNodes(graph, { select: [], exclude: [], from: [gold], until: [bronze] })).toThrow(
      `no table lies between ${gold} and ${bronze}`,
    );
  });

  it.each([['nothing_like_it'], ['foo:bar'], ['++x'], ['']])('refuses "%s" unless it is empty', (word) => {
    if (word === '') expect(pick([word])).toEqual([]);
    else expect(() => pick([word])).toThrow(DataflowError);
  });
});

const success: StepRecord = {
  run_id: 'r',
  step_id: 's',
  step: 'gold.fact',
  status: 'succeeded',
  reason: '',
  code_fingerprint: 'code',
  inputs: { 'silver.achats': 4 },
  output_version: 2,
  tests: [],
  started_at: '',
};

describe('freshness', () => {
  const facts = {
    code_fingerprint: 'code',
    inputs: new Map([['silver.achats', 4]]),
    output_version: 2,
    last: success,
    full_refresh: false,
  };
  it.each([
    ['nothing moved', {}, false, 'incremental'],
    ['never built', { last: undefined, output_version: undefined }, true, 'full'],
    ['definition', { code_fingerprint: 'other' }, true, 'full'],
    ['input moved', { inputs: new Map([['silver.achats', 5]]) }, true, 'incremental'],
    ['input went back', { inputs: new Map([['silver.achats', 3]]) }, true, 'full'],
    ['table gone', { output_version: undefined }, true, 'full'],
    ['table undone', { output_version: 1 }, true, 'full'],
    ['asked for', { full_refresh: true }, true, 'full'],
    ['no input yet', { inputs: new Map([['silver.achats', undefined]]) }, false, 'full'],
    [
      'new input',
      {
        inputs: new Map([
          ['silver.achats', 4],
          ['gold.dim', 0],
        ]),
      },
      true,
      'full',
    ],
  ] as const)('%s', (_, change, run, mode) => {
    const verdict = judgeFreshness({ ...facts, ...change });
    expect([verdict.run, verdict.mode]).toEqual([run, mode]);
    expect(verdict.reason.length).toBeGreaterThan(3);
  });
});

describe('code fingerprint', () => {
  const node = (sql: string): Node => {
    const made = buildGraph(project({ gold: { fact: { ...gold, sql } } }), new Map()).byKey.get('gold.fact');
    if (made === undefined) throw new Error('no node');
    return made;
  };
  it('ignores layout, sees meaning', () => {
    expect(codeFingerprint(node('select 1 as a'))).toBe(codeFingerprint(node('select  1\n as a -- why')));
    expect(codeFingerprint(node('select 1 as a'))).not.toBe(codeFingerprint(node('select 2 as a')));
  });
});

describe('clockReadIn', () => {
  it.each([
    ['select current_date', 'current_date'],
    ['select Now()', 'Now'],
    ['select * from t where d > today() - 7', 'today'],
    ['select age(naissance) from t', 'age'],
    ['select current_timestamp::date', 'current_timestamp'],
    ['select age(a, b) from t', undefined],
    ['select now from t', undefined],
    ['select \'current_date\', "current_date", t.current_date, /* now() */ 1 -- today()', undefined],
    ['select today, my.now() from silver.a', undefined],
  ])('%s', (sql, found) => {
    expect(clockReadIn(sql)).toBe(found);
  });
});
