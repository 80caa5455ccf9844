import type { QuarantineFilter } from '../../core/model/quarantine.ts';
import type { Invocation } from '../command-spec.ts';

/** The flags that narrow down which rejected rows are meant. */
export function filterFrom({ options }: Pick<Invocation, 'options'>): QuarantineFilter {
  const names = ['rule', 'file', 'run', 'id'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (typeof options[name] === 'string' ? [[name, options[name]]] : [])),
  ) as QuarantineFilter;
}
