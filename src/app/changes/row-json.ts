import type { Column } from '../../core/model/table.ts';
import { parseType, type TypeNode } from '../../core/types/type-text.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';

/** A row as one JSON object, put together from text, so that no number loses a digit. */
export function rowJson(columns: readonly Column[], side: string): string {
  const members = columns.map((column, index) => {
    const name = quoteText(`${index === 0 ? '{' : ','}${JSON.stringify(column.name)}:`);
    return `${name} || coalesce(cast(${valueJson(column, `${side}.${quoteIdent(column.name)}`)} as varchar), 'null')`;
  });
  return columns.length === 0 ? `'{}'` : `(${members.join(' || ')} || '}')`;
}

/** A value as JSON. Instants are ISO 8601 in UTC; what JSON has no word for (bytes, NaN, infinity) is text. */
function valueJson({ type, kept_as }: Column, value: string): string {
  if (kept_as === 'json')
    return `case when json_valid(${value}) then cast(${value} as json) else to_json(${value}) end`;
  if (type === 'timestamptz') return `to_json(strftime(${value} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'))`;
  if (type === 'timestamp') return `to_json(strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f'))`;
  if (type === 'blob' || type === 'binary') return `to_json(base64(${value}))`;
  const node = parseType(type);
  return holdsFloats(node) ? nestedJson(node, value, 0) : `to_json(${value})`;
}

/** Whether somewhere in a value there may be a number that JSON has no word for. */
function holdsFloats(node: TypeNode): boolean {
  switch (node.kind) {
    case 'plain':
      return node.name === 'double' || node.name === 'float';
    case 'list':
      return holdsFloats(node.element);
    case 'map':
      return holdsFloats(node.value);
    case 'struct':
      return node.members.some(({ type }) => holdsFloats(type));
    default:
      return false;
  }
}

/** Lists, structs and maps, element by element. @param depth keeps the names of the elements apart. */
function nestedJson(node: TypeNode, value: string, depth: number): string {
  if (!holdsFloats(node)) return `to_json(${value})`;
  const one = `e${depth}`;
  const inner = (type: TypeNode, part: string): string => nestedJson(type, part, depth + 1);
  switch (node.kind) {
    case 'list':
      return `to_json(list_transform(${value}, lambda ${one}: ${inner(node.element, one)}))`;
    case 'map': {
      const entries = `list_transform(map_entries(${value}), lambda ${one}: struct_pack(k := ${one}.key, v := ${inner(node.value, `${one}.value`)}))`;
      return `case when ${value} is null then null else to_json(map_from_entries(${entries})) end`;
    }
    case 'struct': {
      const members = node.members.map(
        ({ name, type }) => `${quoteIdent(name)} := ${inner(type, `struct_extract(${value}, ${quoteText(name)})`)}`,
      );
      return `case when ${value} is null then null else to_json(struct_pack(${members.join(', ')})) end`;
    }
    default:
      return `case when isfinite(${value}) then to_json(${value}) else to_json(cast(${value} as varchar)) end`;
  }
}
