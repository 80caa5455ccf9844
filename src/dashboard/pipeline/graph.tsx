import { type ReactNode, useMemo, useState } from 'react';
import type { GraphShape, GraphTable } from '../../core/contract/pipeline.ts';
import { useResource } from '../data/resource.ts';
import { Link } from '../route/link.tsx';
import { goTo, usePlace } from '../route/location.ts';
import { Empty } from '../shell/states.tsx';
import { numberText } from './format.ts';
import { type Edge, layoutOf, NODE, type Placed } from './layout.ts';
import { Ago, Card, Loaded, PipelinePage, State, Table, TableLink, toneOf } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** Which table is made of which, with the states that they are in. */
export function Graph(): ReactNode {
  const { say } = usePipelineWords();
  const found = useResource<GraphShape>('/api/v1/pipeline/graph', { runs: true });
  const { path, query } = usePlace();
  const as_list = (query.get('as') ?? (window.matchMedia('(max-width: 700px)').matches ? 'list' : 'graph')) === 'list';
  const show = (as: 'graph' | 'list'): void => goTo(`${path}?as=${as}`, { replace: true });
  const tools = (
    <span className="segments">
      <button type="button" aria-pressed={!as_list} onClick={() => show('graph')}>
        {say.graph}
      </button>
      <button type="button" aria-pressed={as_list} onClick={() => show('list')}>
        {say.list}
      </button>
    </span>
  );
  return (
    <PipelinePage title={say.tables} tools={tools}>
      <Loaded of={found}>
        {({ tables }) => (
          <div className="grid">
            <Card title={as_list ? say.list : say.graph}>
              {tables.length === 0 ? <Empty /> : as_list ? <List tables={tables} /> : <Drawn tables={tables} />}
            </Card>
          </div>
        )}
      </Loaded>
    </PipelinePage>
  );
}

/** Lines below, tables as links above them: reachable by Tab from left to right. */
function Drawn({ tables }: { readonly tables: readonly GraphTable[] }): ReactNode {
  const { say } = usePipelineWords();
  const { nodes, edges, width, height } = useMemo(() => layoutOf(tables), [tables]);
  const [at, setAt] = useState<string | undefined>();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable with the keyboard
    <section className="graph" tabIndex={0} aria-label={say.graph}>
      <div className="graph-place" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.map((edge) => {
            const { from, to } = edge;
            return (
              <path
                key={`${from.table.table} ${to.table.table}`}
                className={[from, to].some(({ table }) => table.table === at) ? 'edge edge-on' : 'edge'}
                d={curve(edge)}
              />
            );
          })}
        </svg>
        {nodes.map((node) => (
          <Node key={node.table.table} node={node} enter={setAt} />
        ))}
      </div>
    </section>
  );
}

function Node({ node, enter }: { readonly node: Placed; enter(table: string | undefined): void }): ReactNode {
  const { say, language } = usePipelineWords();
  const { table, x, y } = node;
  const state = say.states[table.state] ?? table.state;
  return (
    <Link
      to={`/pipeline/tables/${table.table.replace('.', '/')}`}
      className={`node node-${table.layer} node-${toneOf(table.state)}`}
      style={{ left: x, top: y, width: NODE.width, height: NODE.height }}
      title={table.table}
      onMouseEnter={() => enter(table.table)}
      onMouseLeave={() => enter(undefined)}
      onFocus={() => enter(table.table)}
      onBlur={() => enter(undefined)}
    >
      <span className="node-name">{table.table.split('.')[1]}</span>
      <span className="node-state">
        {table.layer} · {state}
        {table.quarantined > 0 && ` · ${numberText(table.quarantined, language)} ⚠`}
      </span>
      {table.parents.length > 0 && <span className="unseen">{`${say.reads} ${table.parents.join(', ')}`}</span>}
    </Link>
  );
}

/** From table to table, straight along its lane through each column between. */
function curve({ from, to, by }: Edge): string {
  let [x0, y0] = [from.x + NODE.width, from.y + NODE.height / 2];
  let line = `M${x0} ${y0}`;
  for (const { x, y } of [...by, { x: to.x, y: to.y + NODE.height / 2 }]) {
    const bend = (x - x0) / 2;
    line += `C${x0 + bend} ${y0} ${x - bend} ${y} ${x} ${y}`;
    if (x !== to.x) line += `H${x + NODE.width}`;
    [x0, y0] = [x + NODE.width, y];
  }
  return line;
}

function List({ tables }: { readonly tables: readonly GraphTable[] }): ReactNode {
  const { say, language } = usePipelineWords();
  const number = true;
  return (
    <Table
      label={say.list}
      columns={[
        { title: say.table },
        { title: say.state },
        { title: say.version, number },
        { title: say.rows_out, number },
        { title: say.quarantined, number },
        { title: say.ended },
        { title: say.reads },
      ]}
      rows={tables.map((one) => ({
        key: one.table,
        cells: [
          <TableLink key="table" to={one.table} />,
          <State key="state" of={one.state} />,
          numberText(one.version, language),
          numberText(one.rows_out, language),
          numberText(one.quarantined, language),
          <Ago key="at" at={one.finished_at} />,
          one.parents.join(', '),
        ],
      }))}
    />
  );
}
