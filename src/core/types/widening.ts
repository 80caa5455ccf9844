import { parseType, type TypeNode } from './type-text.ts';

/** Decimal digits that each integer type needs. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ['tinyint', 3],
  ['smallint', 5],
  ['integer', 10],
  ['bigint', 19],
]);
const INTEGERS = [...DIGITS.keys()];
const DECIMAL_DIGITS_MAX = 38;

/**
 * The narrowest type that holds every value of both types unchanged: `integer` and `bigint` give `bigint`, `decimal(10,2)` and `decimal(12,1)`
 * give `decimal(13,2)`, `integer` and `double` give `double`. Undefined when there is none, as for `bigint` and `double` or for a number
 * and a text.
 */
export function commonType(one: string, other: string): string | undefined {
  if (one === other) return one;
  const [a, b] = [parseType(one), parseType(other)];
  const [x, y] = [INTEGERS.indexOf(nameOf(a)), INTEGERS.indexOf(nameOf(b))];
  if (x >= 0 && y >= 0) return INTEGERS[Math.max(x, y)];
  return floating(a, b) ?? decimals(a, b);
}

/** True when every value of `from` is one of `to`. */
export function isWider(to: string, from: string): boolean {
  return to !== from && commonType(from, to) === to;
}

function nameOf(node: TypeNode): string {
  return node.kind === 'plain' ? node.name : node.kind;
}

/** A double holds integers of 32 bits, a float those of 16. */
function floating(a: TypeNode, b: TypeNode): string | undefined {
  const names = [nameOf(a), nameOf(b)];
  const rest = names.filter((name) => name !== 'double' && name !== 'float');
  if (rest.length === 2 || rest.length === 0) return rest.length === 0 ? 'double' : undefined;
  const [whole = ''] = rest;
  if (whole === 'tinyint' || whole === 'smallint') return names.find((name) => name !== whole);
  return whole === 'integer' ? 'double' : undefined;
}

function decimals(a: TypeNode, b: TypeNode): string | undefined {
  const [x, y] = [asDecimal(a), asDecimal(b)];
  if (x === undefined || y === undefined) return undefined;
  const scale = Math.max(x.scale, y.scale);
  const precision = Math.max(x.whole, y.whole) + scale;
  return precision > DECIMAL_DIGITS_MAX ? undefined : `decimal(${precision},${scale})`;
}

function asDecimal(node: TypeNode): { readonly whole: number; readonly scale: number } | undefined {
  if (node.kind === 'decimal') return { whole: node.precision - node.scale, scale: node.scale };
  const digits = DIGITS.get(nameOf(node));
  return digits === undefined ? undefined : { whole: digits, scale: 0 };
}
