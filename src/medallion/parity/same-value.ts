import { DOUBLE_TOLERANCE, FLOAT_TOLERANCE, hasDoubles } from '../../core/planning/parity.ts';
import type { TypeNode } from '../../core/types/type-text.ts';
import { quoteText } from '../../kit/sql.ts';

/**
 * SQL condition, never NULL: two values of a type are the same. Doubles within the tolerance; NaN is NaN, 0 is -0, an infinity is only itself.
 * Everything else exactly.
 */
export function sameValueSql(type: TypeNode, a: string, b: string, depth = 0): string {
  const exactly = `${a} is not distinct from ${b}`;
  if (!hasDoubles(type)) return `(${exactly})`;
  switch (type.kind) {
    case 'plain':
      return `(${exactly} or ${nearSql(type.name, a, b)})`;
    case 'list': {
      const at = `_df_i${depth}`;
      const [left, right] = [`(${a})[${at}]`, `(${b})[${at}]`];
      const each = `list_transform(range(1, len(${a}) + 1), lambda ${at}: ${sameValueSql(type.element, left, right, depth + 1)})`;
      return bothSql(a, b, `len(${a}) = len(${b}) and coalesce(list_bool_and(${each}), true)`);
    }
    case 'struct': {
      const member = (of: string, name: string): string => `struct_extract(${of}, ${quoteText(name)})`;
      const each = type.members.map((one) => sameValueSql(one.type, member(a, one.name), member(b, one.name), depth));
      return bothSql(a, b, each.join(' and '));
    }
    case 'map': {
      // Their entries have no order.
      const entries = (of: string): string => `list_sort(map_entries(${of}))`;
      const members = [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ];
      return sameValueSql({ kind: 'list', element: { kind: 'struct', members } }, entries(a), entries(b), depth);
    }
    default:
      return `(${exactly})`;
  }
}

function nearSql(type: string, a: string, b: string): string {
  const [x, y] = [`cast(${a} as double)`, `cast(${b} as double)`];
  const tolerance = type === 'float' ? FLOAT_TOLERANCE : DOUBLE_TOLERANCE;
  // Halves, so that the difference of the two largest numbers is a number.
  return `coalesce(isfinite(${x}) and isfinite(${y}) and abs(${x} / 2 - ${y} / 2) <= ${tolerance} * (greatest(abs(${x}), abs(${y})) / 2), false)`;
}

function bothSql(a: string, b: string, same: string): string {
  return `(case when ${a} is null or ${b} is null then ${a} is null and ${b} is null else ${same} end)`;
}
