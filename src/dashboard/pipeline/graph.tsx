import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { GraphShape, GraphTable } from '../../core/contract/pipeline.ts';
import { useResource } from '../data/resource.ts';
import { useTyped } from '../filters/use-typed.ts';
import { Link } from '../route/link.tsx';
import { goTo, usePlace } from '../route/location.ts';
import { Empty } from '../shell/states.tsx';
import { numberText } from './format.ts';
import { type Edge, layoutOf, NODE, type Placed } from './layout.ts';
import { Ago, Card, Loaded, PipelinePage, State, Table, TableLink, TableName, toneOf } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** Which table is made of which, with the states that they are in. */
export function Graph(): ReactNode {
  const { say } = usePipelineWords();
  const found = useResource<GraphShape>('/api/v1/pipeline/graph', { runs: true });
  const { path, query } = usePlace();
  const as_list = (query.get('as') ?? (window.matchMedia('(max-width: 700px)').matches ? 'list' : 'graph')) === 'list';
  const wanted = (query.get('find') ?? '').toLowerCase();
  const set = (name: 'as' | 'find', value: string): void => {
    const next = new URLSearchParams(query);
    if (value === '') next.delete(name);
    else next.set(name, value);
    goTo(next.size === 0 ? path : `${path}?${next}`, { replace: true });
  };
  const typed = useTyped(query.get('find') ?? '', (text) => set('find', text));
  const tools = (
    <>
      <input
        type="search"
        className="find"
        aria-label={say.find_table}
        placeholder={say.find_table}
        value={typed.text}
        onChange={({ target }) => typed.type(target.value)}
      />
      <span className="segments">
        <button type="button" aria-pressed={!as_list} onClick={() => set('as', 'graph')}>
          {say.graph}
        </button>
        <button type="button" aria-pressed={as_list} onClick={() => set('as', 'list')}>
          {say.list}
        </button>
      </span>
    </>
  );
  return (
    <PipelinePage title={say.tables} tools={tools}>
      <Loaded of={found}>
        {({ tables }) => (
          <div className="grid">
            <Card title={as_list ? say.list : say.graph}>
              <Tables tables={tables} as_list={as_list} wanted={wanted} />
            </Card>
          </div>
        )}
      </Loaded>
    </PipelinePage>
  );
}

function Tables(props: {
  readonly tables: readonly GraphTable[];
  readonly as_list: boolean;
  readonly wanted: string;
}): ReactNode {
  const { say } = usePipelineWords();
  const { tables, as_list, wanted } = props;
  const found = tables.filter(({ table }) => table.toLowerCase().includes(wanted));
  if (tables.length === 0) return <Empty />;
  if (found.length === 0) return <Empty title={say.no_such_table} />;
  if (as_list) return <List tables={found} />;
  return <Drawn tables={tables} found={wanted === '' ? undefined : new Set(found)} />;
}

/** Lines below, tables as links above them: reachable by Tab from left to right. */
function Drawn(props: {
  readonly tables: readonly GraphTable[];
  /** Undefined: nothing is looked for. */
  readonly found: ReadonlySet<GraphTable> | undefined;
}): ReactNode {
  const { say } = usePipelineWords();
  const { tables, found } = props;
  const { nodes, edges, width, height, node_height } = useMemo(() => layoutOf(tables), [tables]);
  const [at, setAt] = useState<string | undefined>();
  const place = useRef<HTMLElement>(null);
  const first = nodes.find(({ table }) => found?.has(table) === true);
  useEffect(() => {
    if (first !== undefined) place.current?.scrollTo({ left: first.x - NODE.across, top: first.y - NODE.down });
  }, [first]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable with the keyboard
    <section ref={place} className="graph" tabIndex={0} aria-label={say.graph}>
      <div className="graph-place" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.map((edge) => {
            const { from, to } = edge;
            return (
              <path
                key={`${from.table.table} ${to.table.table}`}
                className={[from, to].some(({ table }) => table.table === at) ? 'edge edge-on' : 'edge'}
                d={curve(edge, node_height)}
              />
            );
          })}
        </svg>
        {nodes.map((node) => (
          <Node
            key={node.table.table}
            node={node}
            height={node_height}
            off={found !== undefined && !found.has(node.table)}
            enter={setAt}
          />
        ))}
      </div>
    </section>
  );
}

function Node(props: {
  readonly node: Placed;
  readonly height: number;
  /** It is not what is looked for. */
  readonly off: boolean;
  enter(table: string | undefined): void;
}): ReactNode {
  const { say, language } = usePipelineWords();
  const { height, off, enter } = props;
  const { table, x, y } = props.node;
  const state = say.states[table.state] ?? table.state;
  return (
    <Link
      to={`/pipeline/tables/${table.table.replace('.', '/')}`}
      className={`node node-${table.layer} node-${toneOf(table.state)}${off ? ' node-off' : ''}`}
      style={{ left: x, top: y, width: NODE.width, height }}
      title={table.table}
      onMouseEnter={() => enter(table.table)}
      onMouseLeave={() => enter(undefined)}
      onFocus={() => enter(table.table)}
      onBlur={() => enter(undefined)}
    >
      <span className="node-name">
        <TableName name={table.table.split('.')[1] ?? ''} />
      </span>
      <span className="node-state">
        {table.layer} · {state}
        {table.quarantined > 0 && ` · ${numberText(table.quarantined, language)} ⚠`}
      </span>
      {table.parents.length > 0 && <span className="unseen">{`${say.reads} ${table.parents.join(', ')}`}</span>}
    </Link>
  );
}

/** From table to table, straight along its lane through each column between. */
function curve({ from, to, by }: Edge, node_height: number): string {
  let [x0, y0] = [from.x + NODE.width, from.y + node_height / 2];
  let line = `M${x0} ${y0}`;
  for (const { x, y } of [...by, { x: to.x, y: to.y + node_height / 2 }]) {
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
