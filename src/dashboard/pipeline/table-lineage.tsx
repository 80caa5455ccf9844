import type { ReactNode } from 'react';
import type { ColumnOrigin, LineageShape } from '../../core/contract/pipeline-table.ts';
import { useResource } from '../data/resource.ts';
import { Link } from '../route/link.tsx';
import { Card, Loaded, Table } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** Where each column comes from and what is made of it. */
export function Lineage({ address }: { readonly address: string }): ReactNode {
  const { say } = usePipelineWords();
  const found = useResource<LineageShape>(address);
  return (
    <Card title={say.lineage}>
      <Loaded of={found}>
        {({ columns, rows, incomplete }) => (
          <>
            {incomplete && <p className="note small">{say.incomplete}</p>}
            <Table
              label={say.lineage}
              columns={[{ title: say.column }, { title: say.comes_from }, { title: say.goes_into }]}
              rows={columns.map(({ name, origins, used_by }) => ({
                key: name,
                cells: [
                  <code key="name">{name}</code>,
                  <Origins key="from" of={origins} />,
                  <Origins key="to" of={used_by} />,
                ],
              }))}
            />
            {rows.length > 0 && (
              <div className="stacked">
                <p className="quiet small">{say.decides}</p>
                <Origins of={rows} />
              </div>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

function Origins({ of }: { readonly of: readonly ColumnOrigin[] }): ReactNode {
  const { say } = usePipelineWords();
  if (of.length === 0) return '–';
  return (
    <ul className="origins">
      {of.map(({ table, column, way }) => (
        <li key={`${table} ${column} ${way}`}>
          {table.startsWith('source.') ? (
            <code>{`${table}.${column}`}</code>
          ) : (
            <Link to={`/pipeline/tables/${table.replace('.', '/')}`}>{`${table}.${column}`}</Link>
          )}{' '}
          <span className="quiet small">{say.ways[way] ?? way.replace('_', ' ')}</span>
        </li>
      ))}
    </ul>
  );
}
