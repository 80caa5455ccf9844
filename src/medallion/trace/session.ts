import type { TableId } from '../../core/model/table.ts';
import { tableKey } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { type BoundTable, POSITION_ID } from './annotated.ts';
import { HIDDEN } from './rewrite.ts';

/** One version of a table, bound for a trace. */
export interface BoundVersion extends BoundTable {
  readonly snapshot: Snapshot;
}

/** Names and bound tables of one trace: every version of a table is bound once. */
export class TraceSession {
  readonly session: EngineSession;
  readonly #bound = new Map<string, BoundVersion>();
  #names = 0;

  constructor(session: EngineSession) {
    this.session = session;
  }

  /** A name that the session does not have yet. */
  fresh(kind: string): string {
    this.#names += 1;
    return `${HIDDEN}${kind}${this.#names}`;
  }

  async bind(snapshot: Snapshot): Promise<BoundVersion> {
    const table = tableKey(snapshot.table as TableId);
    const key = `${table}@${snapshot.version}`;
    const known = this.#bound.get(key);
    if (known !== undefined) return known;
    const plain = this.fresh('t');
    const positioned = `${plain}_at`;
    await this.session.bind(relationOf(snapshot, plain));
    await this.session.bind(relationOf(snapshot, positioned, true));
    const columns = snapshot.columns.map((column) => column.name);
    const bound = { table: table.toLowerCase(), columns, plain, positioned, snapshot };
    this.#bound.set(key, bound);
    return bound;
  }

  /** SQL: the rows of a bound table that are marked, in their order, with `_df_id` and `_df_sure`. */
  markedRows(bound: BoundTable, marked: string): string {
    const list = bound.columns.map(quoteIdent).join(', ');
    return `select ${list}, m._df_sure, m._df_id from ${bound.positioned} as t join ${marked} as m on ${POSITION_ID} = m._df_id`;
  }
}
