import type { EngineColumn, Row, TextFormat } from '../../core/ports/engine.ts';
import { resultColumns, toRows } from './cells.ts';
import type { Conversation } from './conversation.ts';
import { exportBytes } from './export-bytes.ts';

/** Some rows of a result, in order. */
export interface RowBatch {
  readonly columns: readonly EngineColumn[];
  readonly rows: readonly Row[];
}

/** A result of any size, as it is computed; one without rows is one batch without rows. */
export async function* rowBatches(talk: Conversation, sql: string): AsyncGenerator<RowBatch, void, void> {
  const result = await talk.stream(sql, { sql });
  const columns = resultColumns(result);
  const batches = result.yieldRowsJson();
  let empty = true;
  try {
    for (;;) {
      const next = await talk.guard(() => batches.next(), { sql });
      if (next.done === true) break;
      empty = false;
      yield { columns, rows: toRows(result, next.value) };
    }
  } finally {
    await batches.return?.(undefined);
  }
  if (empty) yield { columns, rows: [] };
}

/** The text of {@link exportBytes}, with the engine's errors as ours. */
export async function* guardedBytes(
  talk: Conversation,
  sql: string,
  format: TextFormat,
): AsyncGenerator<Uint8Array, number, void> {
  const bytes = exportBytes(talk.connection, sql, format);
  try {
    for (;;) {
      const next = await talk.guard(() => bytes.next(), { sql });
      if (next.done === true) return next.value;
      yield next.value;
    }
  } finally {
    await bytes.return(0);
  }
}
