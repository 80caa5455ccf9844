import { child, isNode, type SyntaxNode } from '../../../core/lineage/syntax.ts';
import { Refused } from './refusal.ts';
import { familyOf, plain, type Sql, sparkType, typeOf } from './types.ts';
import { quoteText } from './words.ts';

const SUFFIX: Readonly<Record<string, string>> = { tinyint: 'Y', smallint: 'S', integer: '', bigint: 'L' };

/** The number behind a constant: digits that a JS number cannot hold come as a text after a control character. */
function exactly(value: unknown): bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value);
  if (typeof value === 'string') return BigInt(value.replace('\u0001', ''));
  if (isNode(value)) return (exactly(value['upper']) << 64n) + exactly(value['lower']);
  throw new Refused('this constant');
}

/** Digits with the point `scale` places from the right. */
function pointed(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** A constant of the parse tree. */
export function constant(node: SyntaxNode): Sql {
  const value = child(node, 'value');
  const type = value === undefined ? undefined : child(value, 'type');
  const id = String(type?.['id'] ?? '').toLowerCase();
  if (value === undefined || type === undefined) throw new Refused('this constant');
  if (value['is_null'] === true) return { text: 'NULL', type: plain('null'), whole: true };
  if (id === 'decimal') {
    const info = child(type, 'type_info');
    const [precision, scale] = [Number(info?.['width']), Number(info?.['scale'])];
    return ofText(pointed(exactly(value['value']), scale), `decimal(${precision},${scale})`);
  }
  if (id === 'varchar') return ofText(String(value['value']), 'varchar');
  if (id === 'boolean') return ofText(String(value['value']), 'boolean');
  if (id === 'double') return ofText(String(value['value']), 'double');
  if (id in SUFFIX || id === 'hugeint') return ofText(String(exactly(value['value'])), id);
  throw new Refused(`a constant of type ${id}`);
}

/** A literal of a value that is known as DuckDB writes it. */
export function ofText(value: string, type_text: string): Sql {
  const type = typeOf(type_text);
  const whole = !value.startsWith('-');
  switch (familyOf(type)) {
    case 'text':
      return { text: quoteText(value), type, whole: true };
    case 'boolean':
      return { text: value.toUpperCase(), type, whole: true };
    case 'whole': {
      // The lowest number of each type cannot be written: its digits without the sign are too many.
      const name = type.kind === 'plain' ? type.name : '';
      const text = /^-(128|32768|2147483648|9223372036854775808)$/.test(value)
        ? `CAST('${value}' AS ${sparkType(type)})`
        : `${value}${SUFFIX[name] ?? ''}`;
      return { text, type, whole };
    }
    case 'decimal': {
      const digits = value
        .replace(/^-?0*(?=.)/, '')
        .replace('.', '')
        .replace(/^0+/, '');
      const scale = type.kind === 'decimal' ? type.scale : 0;
      if (type.kind === 'decimal' && Math.max(digits.length, scale, 1) === type.precision)
        return { text: `${value}BD`, type, whole };
      return { text: `CAST('${value}' AS ${sparkType(type)})`, type, whole: true };
    }
    case 'huge':
      return { text: `CAST('${value}' AS ${sparkType(type)})`, type, whole: true };
    case 'double':
      return { text: /^-?\d/.test(value) ? `${value.toUpperCase()}D` : `CAST('${value}' AS DOUBLE)`, type, whole };
    case 'date':
      return { text: `DATE '${value}'`, type, whole: true };
    case 'timestamp':
      return { text: `TIMESTAMP_NTZ '${value}'`, type, whole: true };
    case 'timestamptz':
      return { text: `TIMESTAMP '${value}'`, type, whole: true };
    default:
      throw new Refused(`a constant of type ${type_text}`);
  }
}

/** The digits of a constant number; undefined for anything else. */
export function digitsOfConstant(node: SyntaxNode | undefined): string | undefined {
  const value = node?.['class'] === 'CONSTANT' ? child(node, 'value') : undefined;
  const type = value === undefined ? undefined : child(value, 'type');
  const id = String(type?.['id'] ?? '').toLowerCase();
  if (value === undefined || type === undefined || value['is_null'] === true) return undefined;
  if (id === 'decimal') return pointed(exactly(value['value']), Number(child(type, 'type_info')?.['scale']));
  if (id === 'double') return String(value['value']);
  return id in SUFFIX || id === 'hugeint' ? String(exactly(value['value'])) : undefined;
}
