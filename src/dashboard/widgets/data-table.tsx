import type { ReactNode } from 'react';
import type { Cell } from '../../core/contract/dashboard.ts';
import { formattedCell, isNumeric } from '../format/cell.ts';
import { useWords } from '../words/use-words.tsx';

/** A column as it is shown. */
export interface ShownColumn {
  readonly name: string;
  readonly title: string;
  readonly type: string;
  readonly format?: string | undefined;
  /** Where its cells stand in a row. */
  readonly at: number;
}

/** Rows under their titles; numbers stand under each other. Without `sort` the titles cannot be pressed. */
export function DataTable(props: {
  readonly title_id: string;
  readonly columns: readonly ShownColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** The number of the first row among all. */
  readonly offset?: number;
  readonly busy?: boolean;
  readonly sort?: { readonly by: string; press(column: string): void };
}): ReactNode {
  const { words, language } = useWords();
  const { columns, rows, offset = 0, sort } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: no set of fields, but a part of a widget
    <div
      className="table-place"
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable with the keyboard
      tabIndex={0}
      aria-labelledby={props.title_id}
      aria-busy={props.busy}
    >
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                className={isNumeric(column.type) ? 'number' : undefined}
                aria-sort={sort === undefined ? undefined : sortOf(sort.by, column.name)}
              >
                {sort === undefined ? (
                  column.title
                ) : (
                  <button type="button" title={words.sort_by(column.title)} onClick={() => sort.press(column.name)}>
                    {column.title}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            // A row has no identity but its place.
            // biome-ignore lint/suspicious/noArrayIndexKey: as said above
            <tr key={offset + i}>
              {columns.map((column) => (
                <td key={column.name} className={isNumeric(column.type) ? 'number' : undefined}>
                  {formattedCell(row[column.at] ?? null, column, language, words)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function sortOf(by: string, column: string): 'ascending' | 'descending' | 'none' {
  if (by === column) return 'ascending';
  return by === `-${column}` ? 'descending' : 'none';
}
