import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataflowError, DataflowErrors } from '../core/errors/dataflow-error.ts';
import { type ErrorView, renderError } from './errors.ts';
import { exitCodeOf } from './exit-codes.ts';
import { plainStyle } from './style.ts';

const view: ErrorView = { format: 'table', cwd: '/project', verbose: false };
const located = new DataflowError('E_SQL', 'column "montnat" does not exist', {
  place: { file: '/project/pipelines.yaml', line: 12, column: 5 },
  kept: 'version 3 of gold.x stays as it is',
});

describe('renderError', () => {
  it('says what, where, what was kept and what next', () => {
    expect(renderError(located, view)).toBe(
      [
        'error[E_SQL] column "montnat" does not exist',
        '  at pipelines.yaml:12:5',
        '  kept: version 3 of gold.x stays as it is',
        '  next: Mend the SQL at the place shown.',
      ].join('\n'),
    );
  });

  it('renders several at once and counts them', () => {
    const text = renderError(
      new DataflowErrors([located, new DataflowError('E_SECRET_UNSET', 'ERP_URL is not set')]),
      view,
    );
    expect(text.match(/^error\[/gm)).toHaveLength(2);
    expect(text).toMatch(/\n2 problems$/);
  });

  it('is one JSON document with --format json', () => {
    expect(JSON.parse(renderError(located, { ...view, format: 'json' }))).toEqual({
      errors: [
        {
          code: 'E_SQL',
          message: 'column "montnat" does not exist',
          file: 'pipelines.yaml',
          line: 12,
          column: 5,
          kept: 'version 3 of gold.x stays as it is',
          next: 'Mend the SQL at the place shown.',
          retryable: false,
        },
      ],
    });
  });

  it('spells out control characters of untrusted text', () => {
    const text = renderError(new DataflowError('E_SOURCE_IO', 'cannot read \u001b]0;owned\u0007\nnext: rm'), view);
    expect(text).toContain('\\u001b]0;owned\\u0007\\nnext: rm');
    expect(text.split('\n')).toHaveLength(2);
  });

  it('fits a terminal, and masks a secret before it is broken', () => {
    const redact = (text: string): string => text.replaceAll('open sesame', '***');
    const style = { ...plainStyle, red: (text: string) => `<${text}>` };
    const terminal = { is_tty: true, columns: 30 };
    const error = new DataflowError('E_ENGINE', 'the words were open sesame, so they said', { hint: 'Ask again.' });
    expect(renderError(error, { ...view, redact, style, terminal }).split('\n')).toEqual([
      '<error[E_ENGINE]> the words were',
      '  ***, so they said',
      '  next: Ask again.',
    ]);
  });

  it('masks secrets', () => {
    const redact = (text: string): string => text.replaceAll('hunter2', '***');
    expect(renderError(new DataflowError('E_ENGINE', 'bad hunter2'), { ...view, redact })).not.toContain('hunter2');
  });

  it('keeps the stack of a defect in a private log file, not on the screen', () => {
    const text = renderError(new TypeError('x is undefined\nsecond line'), view);
    expect(text).toMatch(/^error\[E_INTERNAL\] x is undefined\n {2}next: Report it with .*\.log\.$/);
    const log = /with (.*\.log)\./.exec(text)?.[1] ?? '';
    expect(existsSync(log)).toBe(true);
    expect(readFileSync(log, 'utf8')).toContain('errors.test.ts');
    expect(statSync(log).mode & 0o777).toBe(0o600);
    rmSync(dirname(log), { recursive: true });
  });

  it('shows the stack with --verbose', () => {
    expect(renderError(new TypeError('x'), { ...view, verbose: true })).toContain('errors.test.ts');
  });
});

describe('exitCodeOf', () => {
  it.each([
    [located, 1],
    [new DataflowError('E_LOCKED', 'x'), 6],
    [new DataflowErrors([located, new DataflowError('E_CONFIG_INVALID', 'x')]), 2],
    [new Error('x'), 1],
    ['x', 1],
  ])('%s ends with %i', (error, code) => expect(exitCodeOf(error)).toBe(code));
});
