import { describe, expect, it } from 'vitest';
import { wholeOnlyWord } from './smaller-plan.ts';

describe('what may be computed in batches', () => {
  it.each([
    'select day, sum(x) from silver.a group by day',
    'select a.day, count(*) from silver.a a join silver.b b using (id) where b.x is not null group by all',
    "select day, 'having limit over' as words from silver.a -- qualify",
    'with b as (select * from silver.a where x > 1) select day, count(distinct id) from b group by day',
  ])('%s', (sql) => {
    expect(wholeOnlyWord(sql)).toBeUndefined();
  });

  it.each([
    ['select day, count(*) from silver.a group by day having count(*) > 2', 'having'],
    ['select * from silver.a order by x limit 10', 'limit'],
    ['select day, lag(x) over (order by day) from silver.a', 'over'],
    ['select * from silver.a where not exists (select 1 from silver.b)', 'not exists'],
    ['select * from silver.a where id not  in (select id from silver.b)', 'not'],
    ['select * from silver.a anti join silver.b using (id)', 'anti'],
    ['select * from (select day, count(*) n from silver.a group by day) where n > 3', 'group by'],
    ['with t as (select day, count(*) n from silver.a group by day) select * from t where n > 3', 'group by'],
  ])('not: %s', (sql, word) => {
    expect(wholeOnlyWord(sql)).toContain(word);
  });
});
