/** Which mark is pointed at: a row of marks, and the place in it. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** Where a key leads from `at`; undefined: to nothing (Escape); `other`: the key is not meant for the chart. */
export function movedMark(
  marks: readonly (readonly unknown[])[],
  at: Place | undefined,
  key: string,
): Place | undefined | 'other' {
  if (key === 'Escape') return at === undefined ? 'other' : undefined;
  const step = STEPS[key];
  if (step === undefined || (marks[0]?.length ?? 0) === 0) return 'other';
  if (at === undefined) return { row: 0, column: key === 'End' ? (marks[0]?.length ?? 1) - 1 : 0 };
  // With one row of marks, up and down are left to the page.
  if (step[0] !== 0 && marks.length === 1) return 'other';
  const row = within(at.row + step[0], marks.length);
  return { row, column: within(at.column + step[1], marks[row]?.length ?? 1) };
}

function within(value: number, count: number): number {
  return Math.min(Math.max(value, 0), Math.max(0, count - 1));
}
