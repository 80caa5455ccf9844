import { describe, expect, it } from 'vitest';
import { fragmentProblem } from './sql-scan.ts';

describe('fragmentProblem', () => {
  it.each([
    ['a > 0', undefined],
    ["mode in ('CB', 'l''an')", undefined],
    ['"odd "" name" = 1 -- trailing remark', undefined],
    ['x = $$ ) ; $$', undefined],
    ['x = $q$ $$ ) $q$', undefined],
    ['list_contains([1, 2], x)', undefined],
    ['/* ) */ a', undefined],
    ['a - b / c', undefined],
    ['', 'is empty'],
    ['  -- only a remark', 'is empty'],
    ['a) or (1 = 1', "has a ')' that closes nothing"],
    ['(a', "has a '(' that is never closed"],
    ['(a]', "has a ']' that closes nothing"],
    ['a; drop table x', 'contains a semicolon: one statement only, without ; at its end'],
    ["a = 'open", "has a ' that is never closed"],
    ["a = 'open''", "has a ' that is never closed"],
    ['a = "open', 'has a " that is never closed'],
    ['a /* open', 'has a comment that is never closed'],
    ['a = $$ open', 'has a dollar quote that is never closed'],
    ['a\0', 'contains a NUL character'],
  ])('%j → %j', (sql, problem) => {
    expect(fragmentProblem(sql)).toBe(problem);
  });
});
