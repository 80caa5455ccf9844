import { DataflowError } from '../errors/dataflow-error.ts';

/** Components by name, each loaded when it is asked for. */
type Lazy<T> = Readonly<Record<string, () => Promise<T>>>;

/** All of them. */
export async function loadAll<T>(lazy: Lazy<T>): Promise<ReadonlyMap<string, T>> {
  const loaded = Object.entries(lazy).map(async ([name, load]): Promise<[string, T]> => [name, await load()]);
  return new Map(await Promise.all(loaded));
}

/** @throws DataflowError E_CONFIG_REFERENCE for a name that none has. */
export function named<T>(lazy: Lazy<T>, what: string, name: string): Promise<T> {
  const load = lazy[name];
  if (load === undefined) {
    throw new DataflowError('E_CONFIG_REFERENCE', `there is no ${what} of type ${name}`, {
      hint: `Types are ${Object.keys(lazy).join(', ')}.`,
    });
  }
  return load();
}
