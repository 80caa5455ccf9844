import type { RouteParam, RouteSpec } from '../../core/model/serve.ts';
import type { Column } from '../../core/model/table.ts';
import type { ReadParam } from '../../core/ports/read-engine.ts';
import { type Condition, columnNamed } from './conditions.ts';
import { ParameterError } from './parameter-error.ts';
import type { RequestWords } from './request-words.ts';
import { checkedValue, shown } from './values.ts';

/** The value of a query's parameter; `latest` stands for one that has to be looked up. @throws ParameterError */
export function routeParam(words: RequestWords, name: string, spec: RouteParam): ReadParam | 'latest' {
  const word = words.take(name);
  if (word === undefined && spec.required) throw new ParameterError(name, 'it has to be given', allowedOf(spec));
  if (word === undefined && spec.default === 'latest') return 'latest';
  const text = word ?? (spec.default === undefined ? undefined : String(spec.default));
  if (text === undefined) return { type: spec.type, value: null };
  if (spec.values !== undefined && !spec.values.some((one) => String(one) === text))
    throw new ParameterError(name, `${shown(text)} is not allowed`, allowedOf(spec));
  const { param } = checkedValue(name, spec.type, text);
  const number = Number(text);
  if ((spec.min !== undefined && number < spec.min) || (spec.max !== undefined && number > spec.max))
    throw new ParameterError(name, `${shown(text)} is out of bounds`, allowedOf(spec));
  return { type: spec.type, value: param.value };
}

/** What a parameter of a query takes, in words. */
function allowedOf({ type, values, min, max }: RouteParam): string {
  if (values !== undefined) return values.join(', ');
  const bounds = [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`];
  return [type, ...bounds.filter((one) => one !== '')].join(', ');
}

/** Filters and ranges of a route, over the columns that it has. @throws ParameterError */
export function routeConditions(
  words: RequestWords,
  { filters, ranges }: Pick<RouteSpec, 'filters' | 'ranges'>,
  columns: readonly Column[],
): readonly Condition[] {
  const conditions: Condition[] = [];
  const add = (parameter: string, name: string, operator: Condition['operator']): void => {
    const text = words.take(parameter);
    if (text === undefined) return;
    const column = columnNamed(parameter, name, columns);
    conditions.push({ column, operator, values: [checkedValue(parameter, column.type, text)] });
  };
  for (const [parameter, name] of Object.entries(filters)) add(parameter, name, 'eq');
  for (const [name, [lowest, highest]] of Object.entries(ranges)) {
    add(lowest, name, 'gte');
    add(highest, name, 'lte');
  }
  return conditions;
}

/** Every parameter that a route takes, for the list of what is allowed. */
export function routeParamNames(route: RouteSpec): readonly string[] {
  const own = [...Object.keys(route.params), ...Object.keys(route.filters), ...Object.values(route.ranges).flat()];
  return [...own, ...(answerOf(route) === 'list' ? ['skip', 'limit'] : []), 'as_of', 'format'];
}

/** How a route answers when its entry does not say. */
export function answerOf(route: RouteSpec): 'list' | 'rows' | 'row' {
  if (route.answer !== undefined) return route.answer;
  const lists =
    route.table !== undefined ||
    route.pipeline !== undefined ||
    route.item !== undefined ||
    Object.keys(route.filters).length + Object.keys(route.ranges).length > 0;
  return lists ? 'list' : 'rows';
}
