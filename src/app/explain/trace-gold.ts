import { tableKey } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { annotate } from '../../medallion/trace/annotate.ts';
import type { Annotated, Annotating } from '../../medallion/trace/annotated.ts';
import { atMost, backward, forward, type Marked, mark } from '../../medallion/trace/follow.ts';
import type { BoundVersion } from '../../medallion/trace/session.ts';
import type { TraceContext } from './trace-context.ts';

type GoldNode = Extract<Node, { layer: 'gold' }>;

/** A gold table's SQL, evaluated over the versions that it was made from, with the origin of each row. */
interface Evaluated {
  readonly annotating: Annotating;
  readonly made: Annotated;
  /** By table name in lower case. */
  readonly inputs: ReadonlyMap<string, Snapshot>;
}

async function evaluate(
  { trace }: TraceContext,
  node: GoldNode,
  inputs: ReadonlyMap<string, Snapshot>,
): Promise<Evaluated> {
  const tables = new Map<string, BoundVersion>();
  for (const [name, snapshot] of inputs) tables.set(name.toLowerCase(), await trace.bind(snapshot));
  const syntax = await trace.session.syntaxOf(node.spec.sql);
  const annotating: Annotating = {
    session: trace.session,
    aggregates: syntax.aggregates,
    tables,
    fresh: (kind) => trace.fresh(kind),
  };
  const made = await annotate(annotating, syntax.tree);
  return { annotating, made, inputs: new Map([...inputs].map(([name, one]) => [name.toLowerCase(), one])) };
}

/** SQL condition: the published row `p` is the computed row `t`. By the key where there is one: sums may differ in the last digit. */
function sameRow(node: GoldNode, columns: readonly string[]): string {
  const names = node.spec.key.length > 0 ? node.spec.key : columns;
  return names.map((name) => `p.${quoteIdent(name)} is not distinct from t.${quoteIdent(name)}`).join(' and ');
}

export interface GoldSources {
  readonly sources: readonly { readonly snapshot: Snapshot; readonly relation: string }[];
  readonly at_most: readonly string[];
  readonly notes: readonly string[];
}

/** The rows of the inputs that marked rows of a gold table were made of. */
export async function goldSources(
  context: TraceContext,
  node: GoldNode,
  bound: BoundVersion,
  marked: string,
  inputs: ReadonlyMap<string, Snapshot>,
): Promise<GoldSources> {
  const { trace } = context;
  const { annotating, made, inputs: byName } = await evaluate(context, node, inputs);
  const wanted = trace.fresh('want');
  const rows = await trace.session.materialize(wanted, trace.markedRows(bound, marked));
  const same = sameRow(node, bound.columns);
  const [found] = await trace.session.rows(
    `select count(*) as n from ${wanted} as p where exists (select 1 from ${made.relation} as t where ${same})`,
  );
  const missing = rows - Number(found?.['n'] ?? 0);
  const parts = [`select t.rowid as _df_id, p._df_sure from ${made.relation} as t join ${wanted} as p on ${same}`];
  // A row that does not come out again cannot be told from the others: then any row may be behind it.
  if (missing > 0) parts.push(`select rowid as _df_id, false as _df_sure from ${made.relation}`);
  const start = await mark(annotating, parts.join('\nunion all '));
  const tables = await backward(annotating, made, start);
  return {
    sources: [...tables].flatMap(([name, { relation }]) => {
      const snapshot = byName.get(name);
      return snapshot === undefined ? [] : [{ snapshot, relation }];
    }),
    at_most: atMost(made),
    notes: missing > 0 ? [`${missing} of these rows come out otherwise when the SQL is run again`] : [],
  };
}

/** The published rows of a gold table that marked rows of its inputs went into; undefined when none of its inputs has any. */
export async function goldReached(
  context: TraceContext,
  node: GoldNode,
  bound: BoundVersion,
  inputs: ReadonlyMap<string, Snapshot>,
  marked: ReadonlyMap<string, Marked>,
): Promise<{ readonly marked: Marked; readonly at_most: readonly string[] } | undefined> {
  const own = [...inputs.values()].flatMap((snapshot) => {
    const name = tableKey(snapshot.table);
    const rows = marked.get(`${name}@${snapshot.version}`);
    return rows === undefined || rows.rows === 0 ? [] : [[name.toLowerCase(), rows] as const];
  });
  if (own.length === 0) return undefined;
  const { annotating, made } = await evaluate(context, node, inputs);
  const reached = await forward(annotating, made, new Map(own));
  const rows = await mark(
    annotating,
    `select (cast(p._part as bigint) * 1099511627776 + p._pos) as _df_id, m._df_sure from ${bound.positioned} as p
     join ${made.relation} as t on ${sameRow(node, bound.columns)} join ${reached.relation} as m on t.rowid = m._df_id`,
  );
  return { marked: rows, at_most: atMost(made) };
}
