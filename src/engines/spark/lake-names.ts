import type { Place } from '../../core/errors/dataflow-error.ts';

/** A statement with other names in it, and the way back to the places of the first one. */
export interface Renamed {
  readonly sql: string;
  back(place: Place): Place;
}

// Comments and texts stay as they are; two names with a dot between them, with nothing that belongs to them before or behind, are a table.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^'\\]|\\[\s\S])*'?|"(?:[^"\\]|\\[\s\S])*"?|`(?:[^`]|``)*`|(?<![\w.$\u0080-\uffff])([A-Za-z_]\w*)\.([A-Za-z_]\w*)(?![\w$\u0080-\uffff(])/g;

/** The view by which a session knows a table of the lake: `silver.achats` as one name. */
export function viewName(key: string): string {
  return `\`${key}\``;
}

/** Puts the views in the place of the tables. @param keys in lower case up to the dot, as tables are called. @param nameOf the view of a table */
export function withViews(sql: string, keys: readonly string[], nameOf: (key: string) => string = viewName): Renamed {
  const shifts: { readonly at: number; readonly added: number }[] = [];
  let added = 0;
  const renamed = sql.replace(
    TOKEN,
    (token: string, layer: string | undefined, name: string | undefined, at: number) => {
      const key = `${layer?.toLowerCase()}.${name}`;
      if (layer === undefined || !keys.includes(key)) return token;
      const view = nameOf(key);
      added += view.length - token.length;
      shifts.push({ at: at + token.length + added, added });
      return view;
    },
  );
  return { sql: renamed, back: (place) => placeBefore(renamed, shifts, place) };
}

function placeBefore(
  renamed: string,
  shifts: readonly { readonly at: number; readonly added: number }[],
  place: Place,
): Place {
  const { line, column } = place;
  if (line === undefined || column === undefined) return place;
  const start = renamed
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, one) => sum + one.length + 1, 0);
  const addedBefore = (at: number): number => shifts.findLast((shift) => shift.at <= at)?.added ?? 0;
  return { ...place, column: Math.max(1, column - addedBefore(start + column - 1) + addedBefore(start)) };
}
