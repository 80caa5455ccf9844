import { DataflowError } from '../../core/errors/dataflow-error.ts';

/**
 * The table that a word names: by its key (`gold.dim_clients`), or by a name that only one of them has (`dim_clients`).
 * @throws DataflowError E_SELECTION when several have that name.
 */
export function tableNamed(keys: readonly string[], word: string): string | undefined {
  if (keys.includes(word)) return word;
  const named = keys.filter((key) => key.slice(key.indexOf('.') + 1) === word);
  if (named.length > 1) throw ambiguous(word, 'several tables', named);
  return named[0];
}

export function ambiguous(word: string, what: string, candidates: readonly string[]): DataflowError {
  return new DataflowError('E_SELECTION', `"${word}" may mean ${what}: ${candidates.slice(0, 4).join(', ')}`, {
    hint: 'Write more of the name.',
  });
}
