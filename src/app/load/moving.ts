import type { OutRows } from '../../core/ports/sink.ts';
import type { PlannedWork } from './load-plan.ts';
import type { LoadOptions } from './loading.ts';

/** Rows of a table on their way, with somebody looking. */
export type Moving = (work: PlannedWork, rows: OutRows) => OutRows;

/** Text whose lines are counted: what follows is about as long. */
const SAMPLE_BYTES = 1 << 20;
const LF = 0x0a;

/** Tells how far a load is. A table has the share of its rows; how many of them changed is not known before. */
export function movingTables(works: readonly PlannedWork[], tell: LoadOptions['progress']): Moving {
  if (tell === undefined) return (_, rows) => rows;
  const all = Math.max(
    1,
    works.reduce((sum, { after }) => sum + after.rows, 0),
  );
  let done = 0;
  return ({ loaded: { table }, after, action }, rows) => {
    const before = done;
    done += after.rows;
    return metered(rows, (sent) => {
      const share = action === 'whole' ? Math.min(sent, after.rows) : 0;
      tell({ table, rows: sent, share: (before + share) / all });
    });
  };
}

/** Nobody looks at the text: its rows are counted in the first piece of it, and guessed from then on. */
function metered(rows: OutRows, tell: (rows: number) => void): OutRows {
  return {
    ...rows,
    bytes: async function* (layout) {
      const text = rows.bytes(layout);
      let [bytes, looked, lines] = [0, 0, 0];
      try {
        for (;;) {
          const next = await text.next();
          if (next.done === true) return next.value;
          const chunk = next.value;
          bytes += chunk.length;
          if (looked < SAMPLE_BYTES) {
            looked += chunk.length;
            for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) lines += 1;
          }
          tell(Math.round((bytes * lines) / looked));
          yield chunk;
        }
      } finally {
        await text.return(0);
      }
    },
  };
}
