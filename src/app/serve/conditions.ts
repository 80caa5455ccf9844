import type { Column } from '../../core/model/table.ts';
import { closest } from '../../kit/closest.ts';
import { ParameterError } from './parameter-error.ts';
import { allowedText, type CheckedValue, checkedValue, shown } from './values.ts';

/** How a column is compared with what was given. */
export const OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'contains', 'starts', 'null'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  readonly column: Column;
  readonly operator: Operator;
  /** One, several for `in`, none for `null`. */
  readonly values: readonly CheckedValue[];
  /** For `null`: whether it has to be NULL or must not be. */
  readonly wanted?: boolean;
}

export interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

const VALUES_MAX = 1000;

/** Operators that a column's type allows. */
export function operatorsOf({ type }: Column): readonly Operator[] {
  if (allowedText(type) === undefined) return ['null'];
  if (type === 'boolean') return ['eq', 'ne', 'null'];
  return OPERATORS.filter((one) => type === 'varchar' || (one !== 'contains' && one !== 'starts'));
}

/** A column by the name that a request gives. @throws ParameterError with the columns that there are. */
export function columnNamed(parameter: string, name: string, columns: readonly Column[]): Column {
  const found = columns.find((one) => one.name === name) ?? onlyByCase(name, columns);
  if (found !== undefined) return found;
  const names = columns.map((one) => one.name);
  const guess = closest(name, names);
  const problem = `there is no column ${shown(name)}${guess === undefined ? '' : `; did you mean ${guess}?`}`;
  throw new ParameterError(parameter, problem, names.join(', '));
}

function onlyByCase(name: string, columns: readonly Column[]): Column | undefined {
  return columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
}

/** `pays=France`, `montant[gte]=10`, `id[in]=1,2,3`, `email[null]=true`. @throws ParameterError */
export function conditionOf(parameter: string, text: string, columns: readonly Column[]): Condition {
  const [, name = parameter, word = 'eq'] = /^(.+)\[(\w*)\]$/.exec(parameter) ?? [];
  const column = columnNamed(parameter, name, columns);
  const allowed = operatorsOf(column);
  const operator = allowed.find((one) => one === word);
  if (operator === undefined)
    throw new ParameterError(parameter, `${shown(word)} is no operator of it`, allowed.join(', '));
  if (operator === 'null') {
    if (text !== 'true' && text !== 'false')
      throw new ParameterError(parameter, `${shown(text)} is neither`, 'true or false');
    return { column, operator, values: [], wanted: text === 'true' };
  }
  const texts = operator === 'in' ? text.split(',') : [text];
  if (texts.length > VALUES_MAX)
    throw new ParameterError(parameter, `${texts.length} values`, `at most ${VALUES_MAX} values`);
  return { column, operator, values: texts.map((one) => checkedValue(parameter, column.type, one)) };
}

/** `-date,id`: columns to sort by, the greatest first after a `-`. @throws ParameterError */
export function orderOf(parameter: string, words: readonly string[], columns: readonly Column[]): readonly Order[] {
  const order: Order[] = [];
  for (const word of words) {
    const column = columnNamed(parameter, word.replace(/^[-+]/, ''), columns);
    if (allowedText(column.type) === undefined)
      throw new ParameterError(parameter, `${column.name} cannot be sorted by`, sortable(columns).join(', '));
    if (!order.some((one) => one.column === column)) order.push({ column, descending: word.startsWith('-') });
  }
  return order;
}

/** Columns that can be sorted by. */
export function sortable(columns: readonly Column[]): readonly string[] {
  return columns.filter(({ type }) => allowedText(type) !== undefined).map((one) => one.name);
}
