import { DataflowError } from '../errors/dataflow-error.ts';
import { farLakePlace } from '../planning/lake-place.ts';
import { meant, namesIn, type Situation } from './named-parts.ts';
import { problemAt } from './tree.ts';

/** A lake elsewhere has a connection that leads there. */
export function knownLake({ tree, shape, problems }: Situation): void {
  const refer = (path: string, message: string, hint: { readonly hint?: string }): void =>
    void problems.push(problemAt(tree, ['lake', path], message, { code: 'E_CONFIG_REFERENCE', ...hint }));
  const names = namesIn(tree, 'connections');
  const { connection } = shape.lake;
  if (connection !== undefined && !names.includes(connection)) {
    refer('connection', `there is no connection ${connection}`, meant(connection, names));
    return;
  }
  try {
    farLakePlace({ ...shape, root: '' });
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    const [, path = 'url', message = error.message] = /^lake\.(\w+): (.*)$/s.exec(error.message) ?? [];
    refer(path, message, error.hint === undefined ? {} : { hint: error.hint });
  }
}
