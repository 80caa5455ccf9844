import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StepRecord, UndoRecord } from '../ports/ledger.ts';
import { judgeFreshness } from './freshness.ts';
import { runsWithoutEffect } from './undone-runs.ts';

const undo = (run_id: string, since_run: string, tables = ['t']): UndoRecord => ({
  run_id,
  since_run,
  tables,
  finished: true,
});

describe('runs without effect', () => {
  it('an undone run has none, and has it again when the undo is undone', () => {
    const runs = ['a', 'b', 'u', 'v'];
    expect(runsWithoutEffect(runs, [undo('u', 'b')], 't')).toEqual(new Set(['b']));
    expect(runsWithoutEffect(runs, [undo('u', 'b'), undo('v', 'u')], 't')).toEqual(new Set(['u']));
    expect(runsWithoutEffect(runs, [undo('u', 'b')], 't', 'u')).toEqual(new Set(['u', 'v']));
    expect(runsWithoutEffect(runs, [undo('u', 'b', ['other'])], 't')).toEqual(new Set());
  });

  it('is what a stack of states says, for any sequence of runs and undos', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(9)), { maxLength: 20 }), (acts) => {
        const runs: string[] = [];
        const undos: UndoRecord[] = [];
        // The runs in effect after each run; an undo goes back to those before the run it names.
        const states: (readonly string[])[] = [[]];
        for (const back of acts) {
          const run_id = `r${runs.length}`;
          const place = back === null ? -1 : runs.length - 1 - back;
          const since = runs[place];
          if (back !== null && since === undefined) continue;
          if (since === undefined) states.push([...(states.at(-1) ?? []), run_id]);
          else {
            undos.push(undo(run_id, since));
            states.push(states[place] ?? []);
          }
          runs.push(run_id);
        }
        const without = runsWithoutEffect(runs, undos, 't');
        const is_undo = new Set(undos.map((one) => one.run_id));
        expect(runs.filter((run) => !without.has(run) && !is_undo.has(run))).toEqual(
          (states.at(-1) ?? []).filter((run) => !is_undo.has(run)),
        );
      }),
    );
  });
});

describe('a hold', () => {
  const last: StepRecord = {
    run_id: 'u',
    step_id: 's',
    step: 'silver.t',
    status: 'succeeded',
    reason: 'undone',
    code_fingerprint: 'old',
    inputs: { 'bronze.t': 3 },
    output_version: 5,
    tests: [],
    started_at: '',
  };
  const hold = { run_id: 'u', code_fingerprint: 'new', inputs: { 'bronze.t': 3 }, emptied: false };
  const judge = (more: object, version = 3) =>
    judgeFreshness({
      code_fingerprint: 'new',
      inputs: new Map([['bronze.t', version]]),
      output_version: 5,
      last,
      full_refresh: false,
      hold,
      ...more,
    });

  it('stops what was undone, until it is asked for or something else changes', () => {
    expect(judge({})).toMatchObject({ run: false, causes: [{ kind: 'undone', run_id: 'u' }] });
    expect(judge({ redo: true })).toMatchObject({ run: true, mode: 'full' });
    expect(judge({ force: true })).toMatchObject({ run: true });
    expect(judge({ code_fingerprint: 'third' })).toMatchObject({ run: true, causes: [{ kind: 'definition' }] });
    expect(judge({}, 4)).toMatchObject({ run: true, mode: 'full' });
    expect(judge({ code_fingerprint: 'old' })).toMatchObject({ run: false, causes: [{ kind: 'nothing_moved' }] });
  });

  it('of an emptied table leaves nothing to build on', () => {
    const emptied = { ...hold, code_fingerprint: 'old', emptied: true };
    expect(judge({ hold: emptied, code_fingerprint: 'old' }, 4)).toMatchObject({
      run: true,
      mode: 'full',
      causes: [{ kind: 'never_built' }],
    });
  });
});
