import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** What is said of a word that names no source. */
export function unknownSource(word: string, sources: readonly string[]): DataflowError {
  return new DataflowError('E_SELECTION', `there is no source ${word}`, {
    hint: sources.length === 0 ? 'The project has no source yet.' : `Sources are ${sources.join(', ')}.`,
  });
}
