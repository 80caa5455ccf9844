import { describe, expect, it } from 'vitest';
import type { InputFile } from '../../core/ports/engine.ts';
import { type ContractKit, column } from './contract-kit.ts';

export function relationsContract(kit: ContractKit): void {
  describe('relations', () => {
    positions(kit);
    missingColumns(kit);
    sameColumns(kit);
    noFiles(kit);
    manyFiles(kit);
    separateNames(kit);
  });
}

function positions(kit: ContractKit): void {
  it('binds files in order, with positions and partition values', async () => {
    await kit.session(async (session) => {
      const columns = [column('a', 'bigint'), column('p', 'varchar')];
      const target = { columns, partition_by: ['p'] };
      const [first] = await session.write("select i as a, 'x' as p from range(3) t(i)", {
        ...target,
        folder: kit.folder(),
      });
      const [second] = await session.write('select 10 as a, cast(null as varchar) as p', {
        ...target,
        folder: kit.folder(),
      });
      if (first === undefined || second === undefined) throw new Error('no file');
      const relation = { name: 'silver.t', columns, partition_by: ['p'], with_position: true };
      await session.bind({ ...relation, files: [first, second, first] });
      expect(await session.rows('select * from silver.t order by _part, _pos')).toEqual([
        { a: 0, p: 'x', _part: 0, _pos: 0 },
        { a: 1, p: 'x', _part: 0, _pos: 1 },
        { a: 2, p: 'x', _part: 0, _pos: 2 },
        { a: 10, p: null, _part: 1, _pos: 0 },
        { a: 0, p: 'x', _part: 2, _pos: 0 },
        { a: 1, p: 'x', _part: 2, _pos: 1 },
        { a: 2, p: 'x', _part: 2, _pos: 2 },
      ]);
    });
  });
}

function missingColumns(kit: ContractKit): void {
  it('gives NULL for columns that files lack, in some of them or in all', async () => {
    await kit.session(async (session) => {
      const old = [column('a', 'integer')];
      const now = [column('a', 'bigint'), column('b', 'varchar'), column('c', 'decimal(12,2)')];
      const before = await session.write('select 1 as a', { folder: kit.folder(), columns: old });
      const after = await session.write("select 2 as a, 'x' as b, null as c", {
        folder: kit.folder(),
        columns: now.slice(0, 2),
      });
      await session.bind({ name: 'silver.t', columns: now, files: [...before, ...after] });
      expect(await session.rows('select * from silver.t order by a')).toEqual([
        { a: 1, b: null, c: null },
        { a: 2, b: 'x', c: null },
      ]);
      expect(await session.describe('select * from silver.t')).toEqual([
        { name: 'a', type: 'bigint' },
        { name: 'b', type: 'varchar' },
        { name: 'c', type: 'decimal(12,2)' },
      ]);
    });
  });
}

function sameColumns(kit: ContractKit): void {
  it('reads columns by name where every file has all of them, in whatever order', async () => {
    await kit.session(async (session) => {
      const columns = [column('a', 'bigint'), column('b', 'varchar')];
      const first = await session.write("select 1 as a, 'x' as b", { folder: kit.folder(), columns });
      const second = await session.write("select 'y' as b, 2 as a", {
        folder: kit.folder(),
        columns: columns.toReversed(),
      });
      const relation = { name: 'silver.t', columns, with_position: true };
      await session.bind({ ...relation, files: [...first, ...second, ...first] });
      expect(await session.rows('select * from silver.t order by _part')).toEqual([
        { a: 1, b: 'x', _part: 0, _pos: 0 },
        { a: 2, b: 'y', _part: 1, _pos: 0 },
        { a: 1, b: 'x', _part: 2, _pos: 0 },
      ]);
      const unknown = second.map(({ stats: _, ...file }) => file);
      await session.bind({ ...relation, files: [...first, ...unknown] });
      expect(await session.rows('select a, b from silver.t order by a')).toEqual([
        { a: 1, b: 'x' },
        { a: 2, b: 'y' },
      ]);
    });
  });
}

function noFiles(kit: ContractKit): void {
  it('is empty but typed without files', async () => {
    await kit.session(async (session) => {
      const columns = [column('a', 'date'), column('b', 'struct("x" integer)')];
      await session.bind({ name: 'gold.t', columns, files: [], with_position: true });
      expect(await session.rows('select count(*) as n, max(a) as a from gold.t')).toEqual([{ n: 0, a: null }]);
      expect((await session.describe('select * from gold.t')).map(({ name }) => name)).toEqual([
        'a',
        'b',
        '_part',
        '_pos',
      ]);
    });
  });
}

function manyFiles(kit: ContractKit): void {
  it('takes 10,000 files', async () => {
    await kit.session(async (session) => {
      const columns = [column('a', 'bigint')];
      const [file] = await session.write('select 7 as a', { folder: kit.folder(), columns });
      if (file === undefined) throw new Error('no file');
      const files: InputFile[] = Array.from({ length: 10_000 }, () => file);
      await session.bind({ name: 'silver.t', columns, files, with_position: true });
      expect(await session.rows('select count(*) as n, sum(a) as a, sum(_part) as parts from silver.t')).toEqual([
        { n: 10_000, a: 70_000, parts: (10_000 * 9_999) / 2 },
      ]);
    });
  }, 60_000);
}

function separateNames(kit: ContractKit): void {
  it('grow a temporary table when that is asked for, and make it anew otherwise', async () => {
    await kit.session(async (session) => {
      expect(await session.materialize('grown', 'select 1 as x')).toBe(1);
      expect(await session.materialize('grown', 'select x + 1 from grown', { append: true })).toBe(2);
      expect(await session.rows('select x from grown order by x')).toEqual([{ x: 1 }, { x: 2 }]);
      expect(await session.materialize('grown', 'select 3 as x')).toBe(1);
    });
  });

  it('keeps the names of sessions apart', async () => {
    await kit.session(async (one) => {
      await one.bind({ name: 'gold.t', columns: [column('a', 'bigint')], files: [] });
      await one.materialize('m', 'select 1 as x');
      await one.define('v', 'select 1 as x');
      await kit.session(async (two) => {
        for (const name of ['gold.t', 'm', 'v']) {
          await expect(two.rows(`select * from ${name}`), name).rejects.toMatchObject({ code: 'E_SQL' });
        }
      });
      expect(await one.rows('select (select count(*) from gold.t) as n, x from m join v using (x)')).toEqual([
        { n: 0, x: 1 },
      ]);
    });
  });
}
