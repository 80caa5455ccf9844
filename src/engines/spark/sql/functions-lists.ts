import { renderType } from '../../../core/types/type-text.ts';
import type { Call, Rule, Rules } from './call.ts';
import { cast } from './casts.ts';
import { isPlainValue } from './scope.ts';
import { sparkType } from './types.ts';
import { quoteText } from './words.ts';

/** A list written out. */
const listValue: Rule = (call) => {
  const { type } = call;
  if (type.kind !== 'list') throw call.refused('of these types');
  const items = call.args.map((one) => cast(one, type.element).text);
  return items.length === 0 ? `CAST(ARRAY() AS ${sparkType(type)})` : `ARRAY(${items.join(', ')})`;
};

/** The elements in order, NULLs left out: both engines pass them over. */
function present(call: Call): string {
  const { type } = call.arg(0);
  if (type.kind !== 'list' || !isPlainValue(type.element)) throw call.refused(`of ${renderType(type)}`);
  return `FILTER(${call.arg(0).text}, e -> e IS NOT NULL)`;
}

function contains(call: Call): string {
  call.count(2);
  const { type } = call.arg(0);
  if (type.kind !== 'list') throw call.refused(`of ${renderType(type)}`);
  return `ARRAY_CONTAINS(${present(call)}, ${cast(call.arg(1), type.element).text})`;
}

function extreme(spark: string): Rule {
  return (call) => {
    present(call);
    return `${spark}(${call.arg(0).text})`;
  };
}

function structPack(call: Call): string {
  const { type } = call;
  if (type.kind !== 'struct') throw call.refused('of these types');
  const members = type.members.map(
    ({ name, type: member }, index) => `${quoteText(name)}, ${cast(call.arg(index), member).text}`,
  );
  return `NAMED_STRUCT(${members.join(', ')})`;
}

function joined(call: Call): string {
  call.count(2);
  const { type } = call.arg(0);
  if (type.kind !== 'list' || renderType(type.element) !== 'varchar') throw call.refused(`of ${renderType(type)}`);
  return `ARRAY_JOIN(${call.arg(0).text}, ${call.of(1, 'text')})`;
}

export const LIST_FUNCTIONS: Rules = {
  list_value: listValue,
  list_contains: contains,
  list_has: contains,
  array_contains: contains,
  list_min: extreme('ARRAY_MIN'),
  list_max: extreme('ARRAY_MAX'),
  struct_pack: structPack,
  array_to_string: joined,
};
