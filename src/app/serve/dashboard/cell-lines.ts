import type { Column } from '../../../core/model/table.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { cellKind, textSql } from '../../export/cell-text.ts';

/** Each row as the text of a JSON list of cells, made by the engine. */
export function cellLines(columns: readonly Column[], page: string): string {
  return `select cast(json_array(${columns.map(cellJson).join(', ')}) as varchar) as line from (${page}) as page`;
}

/** A cell for a browser: a number that a double does not hold is a text, and so is everything that JSON has no word for. */
function cellJson(column: Column): string {
  const name = quoteIdent(column.name);
  const text = `to_json(cast(${name} as varchar))`;
  switch (cellKind(column)) {
    case 'boolean':
      return name;
    case 'floating':
      return `case when isfinite(${name}) then ${name} end`;
    case 'whole':
      return column.type === 'bigint'
        ? `case when ${name} between -9007199254740991 and 9007199254740991 then to_json(${name}) else ${text} end`
        : name;
    case 'decimal':
      return `case when try_cast(cast(${name} as double) as ${column.type}) = ${name} then to_json(cast(${name} as double)) else ${text} end`;
    default:
      return `to_json(${textSql(column, false)})`;
  }
}
