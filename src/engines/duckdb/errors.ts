import { DataflowError } from '../../core/errors/dataflow-error.ts';

/**
 * Turns whatever the driver throws into an error of the catalogue, in one line. The engine marks the place in SQL by a `LINE n:`
 * line and a caret below it; both are read into line and column.
 */
export function engineError(error: unknown): DataflowError {
  if (error instanceof DataflowError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const first = (text.split('\n')[0] ?? text).trim();
  const message = first.replace(/^(\w+ )+Error: /, '').slice(0, 500);
  if (/^(INTERRUPT|Interrupted)/i.test(first)) return new DataflowError('E_ENGINE_INTERRUPTED', 'the engine was interrupted', { cause: error });
  if (/^Out of Memory/i.test(first)) return new DataflowError('E_ENGINE_MEMORY', `the engine ran out of memory: ${message}`, { cause: error });
  if (/No space left|disk is full/i.test(first)) return new DataflowError('E_LAKE_IO', 'no space left on the disk', { kept: 'every published version stays as it is', cause: error });
  if (/^Permission Error/i.test(first)) return new DataflowError('E_SQL_SANDBOX', message, { cause: error });
  if (/^(Parser|Binder|Catalog|Conversion|Invalid Input|Out of Range|Mismatch Type|Not implemented|Constraint) Error/i.test(first)) {
    const place = caret(text);
    const more = /Candidate bindings: (.*)/.exec(text)?.[1] ?? /Did you mean (.*)\?/.exec(text)?.[1];
    return new DataflowError('E_SQL', message, {
      ...(place === undefined ? {} : { place: { file: '', ...place } }),
      ...(more === undefined ? {} : { hint: `Did you mean ${more}?` }),
      cause: error,
    });
  }
  if (/^(IO|Invalid|Serialization) Error/i.test(first) && /\.parquet/.test(text)) {
    return new DataflowError('E_LAKE_CORRUPT', `a data file cannot be read: ${message}`, { cause: error });
  }
  return new DataflowError('E_ENGINE', message, { cause: error });
}

function caret(text: string): { line: number; column: number } | undefined {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^LINE \d+: /.test(line));
  const marked = lines[at];
  const pointer = lines[at + 1];
  const head = /^LINE (\d+): /.exec(marked ?? '');
  const caretAt = pointer?.indexOf('^') ?? -1;
  if (head === null || caretAt < 0) return undefined;
  return { line: Number(head[1]), column: Math.max(1, caretAt - head[0].length + 1) };
}
