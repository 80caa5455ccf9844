import { expect, it } from 'vitest';
import { picturesArea } from './pdf-pictures.ts';

const codes = {
  save: 1,
  restore: 2,
  transform: 3,
  paintFormXObjectBegin: 4,
  paintFormXObjectEnd: 5,
  paintImageXObject: 6,
};

it('pictures are as large as the transformations in force make them', () => {
  const drawn: readonly (readonly [number, unknown])[] = [
    [1, null],
    [3, [200, 0, 0, 100, 5, 5]],
    [6, ['a']], // 20,000
    [2, null],
    [1, null],
    [3, [0, 2, -3, 0, 0, 0]], // turned by a quarter, 2 × 3
    [4, [[10, 0, 0, 10, 0, 0], null]],
    [6, ['b']], // 600
    [5, null],
    [6, ['c']], // 6
    [2, null],
    [6, ['d']], // 1
  ];
  const operators = { fnArray: drawn.map(([code]) => code), argsArray: drawn.map(([, values]) => values) };
  expect(picturesArea(operators, codes)).toBe(20_607);
});
