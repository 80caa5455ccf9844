import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type {
  Landing,
  Position,
  PullContext,
  PulledSource,
  PullResult,
  UnitWriter,
} from '../../../core/ports/pulled-source.ts';

/** Member of a position that says what was asked. */
const ASKS = '_asks';

/**
 * The source with positions that tell what was asked. A position counts in one table, topic or query only: when the definition names another, going
 * on from it would mix two of them or leave rows out, so that is refused until everything is taken anew. A whole copy has no such position.
 */
export function ofOneQuestion(source: PulledSource): PulledSource {
  const { asks } = source;
  if (asks === undefined) return source;
  const mark = (position: Position): Position => ({ ...position, [ASKS]: asks });
  const inner = (context: PullContext): PullContext => {
    if (!asksOther(source, context.position)) return { ...context, position: unmarked(context.position) };
    if (source.pulls === 'snapshot') return { ...context, position: undefined };
    throw otherQuestion(context, asks);
  };
  const { columns, committed, resumes } = source;
  return {
    pulls: source.pulls,
    asks,
    ...(source.pulls_ahead === true ? { pulls_ahead: true } : {}),
    ...(columns === undefined ? {} : { columns: (context) => columns.call(source, inner(context)) }),
    look: async (context) => source.look(inner(context)),
    pull: async (landing, context): Promise<PullResult> => {
      const result = await source.pull(marking(landing, mark), inner(context));
      return { ...result, position: mark(result.position) };
    },
    ...(committed === undefined
      ? {}
      : { committed: (position) => committed.call(source, unmarked(position) ?? position) }),
    ...(resumes === undefined
      ? {}
      : {
          resumes: (position, now_ms) =>
            !asksOther(source, position) && resumes.call(source, unmarked(position) ?? position, now_ms),
        }),
    probe: (context) => source.probe(context),
    close: () => source.close(),
  };
}

/** True when the position belongs to something else than what the source asks for now. */
export function asksOther(source: Pick<PulledSource, 'asks'>, position: Position | null | undefined): boolean {
  const before = position?.[ASKS];
  return source.asks !== undefined && before !== undefined && before !== source.asks;
}

function unmarked(position: Position | undefined): Position | undefined {
  if (position === undefined) return undefined;
  const { [ASKS]: _, ...rest } = position;
  return rest;
}

function marking(landing: Landing, mark: (position: Position) => Position): Landing {
  return {
    raw: landing.raw,
    open: async (name, layout): Promise<UnitWriter> => {
      const writer = await landing.open(name, layout);
      return {
        write: (bytes) => writer.write(bytes),
        unreadable: (record) => writer.unreadable(record),
        get size_bytes() {
          return writer.size_bytes;
        },
        close: (end) => writer.close({ ...end, position: mark(end.position) }),
        abandon: () => writer.abandon(),
      };
    },
  };
}

function otherQuestion({ name, position }: PullContext, asks: string): DataflowError {
  return new DataflowError(
    'E_SOURCE_CURSOR',
    `source ${name} asks for ${asks} now, but its rows came from ${String(position?.[ASKS])}: they do not go on from each other`,
    {
      kept: 'the rows that are there',
      hint: `Restore the definition, or replace all rows by what it names now: dataflow run --full-refresh --force --select bronze.${name}+`,
    },
  );
}
