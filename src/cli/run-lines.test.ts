import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StepProgress } from '../core/model/step-progress.ts';
import { type RunAtWork, runLines } from './run-lines.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const PROGRESS: StepProgress = {
  step: 'gold.fact_ventes',
  started_at: new Date(NOW_MS - 62_000).toISOString(),
  doing: 'writing',
  rows: 1_234_567,
  rows_per_second: 98_000,
  bytes: 45_600_000,
  percent: 38,
  percent_of: 'statement',
  left_ms: 16_400,
  left_by: 'last_success',
};
const RUN: RunAtWork = {
  started_ms: NOW_MS - 75_000,
  steps_total: 14,
  steps_ended: 7,
  steps: new Map([
    ['gold.fact_ventes', { started_ms: NOW_MS - 62_000, progress: PROGRESS }],
    ['gold.kpi', { started_ms: NOW_MS - 3_000 }],
  ]),
};
const lines = (columns: number, lines_max = 23): readonly string[] =>
  runLines(RUN, NOW_MS, { columns, ascii: true, lines_max });

it('the run and what is at work, as far as it fits', () => {
  expect(lines(110)).toEqual([
    '[###############...............]  50% 7 of 14 steps, 01:15',
    '  gold.fact_ventes 01:02, writing, 1,234,567 rows, 98,000/s, 45.6 MB, query 38%, 00:16 left',
    '  gold.kpi         00:03',
  ]);
  expect([80, 65, 50, 40].map((columns) => lines(columns)[1])).toEqual([
    '  gold.fact_ventes 01:02, 1,234,567 rows, 98,000/s, query 38%, 00:16 left',
    '  gold.fact_ventes 01:02, 1,234,567 rows, 98,000/s, 00:16 left',
    '  gold.fact_ventes 01:02, 00:16 left',
    '  gold.fact_ventes 01:02, 00:16 left',
  ]);
  expect(lines(80, 2)).toHaveLength(2);
});

it('no line is longer than its terminal, whatever is known', () => {
  const number = fc.option(fc.nat(9_000_000_000_000));
  const progress = fc.record({
    ...{ step: fc.constant('x'), started_at: fc.constant(PROGRESS.started_at), rows: number, rows_per_second: number },
    ...{ bytes: number, percent: fc.option(fc.nat(100)), left_ms: number },
    doing: fc.constantFrom('inspecting', 'pulling', 'reading', 'computing', 'writing'),
    percent_of: fc.constantFrom('bytes', 'statement', null),
    left_by: fc.constant(null),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.string(), progress, (columns, step, known) => {
      const steps = new Map([[step, { started_ms: NOW_MS, progress: known as StepProgress }]]);
      for (const text of runLines({ ...RUN, steps }, NOW_MS, { columns, ascii: false, lines_max: 9 }))
        expect(text.length).toBeLessThan(Math.max(2, columns));
    }),
  );
});
