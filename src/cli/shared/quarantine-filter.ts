import type { QuarantineFilter } from '../../core/model/quarantine.ts';
import type { Invocation } from '../command-spec.ts';

/** The flags that narrow down which rejected rows are meant. */
export function filterFrom({ options }: Pick<Invocation, 'options'>): QuarantineFilter {
  const names = ['rule', 'file', 'run', 'id'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (typeof options[name] === 'string' ? [[name, options[name]]] : [])),
  ) as QuarantineFilter;
}

/** `no open row`, and of which rule, file, run or id when that was asked: what is said when nothing matches. */
export function noRowsWords(filter: QuarantineFilter, state: 'open' | 'discarded' = 'open'): string {
  const of = (['rule', 'file', 'run', 'id'] as const).flatMap((name) =>
    filter[name] === undefined ? [] : [`${name} ${filter[name]}`],
  );
  return [`no ${state} row`, ...(of.length === 0 ? [] : [`of ${of.join(', ')}`])].join(' ');
}
