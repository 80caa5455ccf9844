import type { OutRows } from '../../core/ports/sink.ts';
import type { PlannedWork } from './load-plan.ts';
import type { LoadOptions } from './loading.ts';

/** Rows of a table on their way, some after the others, with somebody looking. */
export type Moving = (work: PlannedWork) => (rows: OutRows) => OutRows;

/** Text whose lines are counted: what follows is about as long. */
const SAMPLE_BYTES = 1 << 20;
const LF = 0x0a;

/** Tells how far a load is. A table has the share of its rows; how many of them changed is not known before. */
export function movingTables(works: readonly PlannedWork[], tell: LoadOptions['progress']): Moving {
  if (tell === undefined) return () => (rows) => rows;
  const all = Math.max(
    1,
    works.reduce((sum, { after }) => sum + after.rows, 0),
  );
  let done = 0;
  return ({ loaded: { table }, after, action }) => {
    const before = done;
    done += after.rows;
    let earlier = 0;
    let sent = 0;
    return (rows) =>
      metered(rows, (now, first) => {
        if (first) earlier += sent;
        sent = now;
        const count = earlier + sent;
        const share = action === 'whole' ? Math.min(count, after.rows) : 0;
        tell({ table, rows: count, share: (before + share) / all });
      });
  };
}

/** Nobody looks at the text: its rows are counted in the first piece of it, and guessed from then on. */
function metered(rows: OutRows, tell: (rows: number, first: boolean) => void): OutRows {
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
          const first = bytes === 0;
          bytes += chunk.length;
          if (looked < SAMPLE_BYTES) {
            looked += chunk.length;
            for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) lines += 1;
          }
          tell(Math.round((bytes * lines) / looked), first);
          yield chunk;
        }
      } finally {
        await text.return(0);
      }
    },
  };
}
