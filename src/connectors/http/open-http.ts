import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Outlook, Probe, PullContext, PulledSource } from '../../core/ports/pulled-source.ts';
import { buildAsk } from './ask.ts';
import { Asker } from './asker.ts';
import { nextStretch, windowsWaiting, withStretch } from './cursor.ts';
import { AttemptFailed } from './errors.ts';
import { shown } from './exchange.ts';
import { readItems } from './items.ts';
import type { HttpOptions } from './options.ts';
import { FIRST_PAGE, pageParameters } from './paging.ts';
import { isTooSoon, mayGoOn, readPosition } from './position.ts';
import { Pull } from './pull.ts';
import { replayKept } from './replay.ts';

/** The source with these options; no connection is made before it is asked. */
export function openHttp(options: HttpOptions): PulledSource {
  const asker = new Asker(options);
  const appends = options.mode === 'append' || options.cursor !== undefined;
  return {
    pulls: appends ? 'changes' : 'snapshot',
    asks: endpointOf(options),
    look: (context) => look(options, context),
    pull: async (landing, context) => {
      const from_raw = context.from_raw && options.keep_raw;
      if (from_raw && appends) return replayKept(options, landing, context);
      const items = await readItems(options, context.root);
      return new Pull(options, items, asker, landing, { ...context, from_raw }).run();
    },
    // A list in a file may be another one by now.
    resumes: (position, now_ms) =>
      (options.for_each === undefined || Array.isArray(options.for_each)) &&
      mayGoOn(options, readPosition(position), now_ms),
    probe: (context) => probe(options, asker, context),
    close: () => asker.close(),
  };
}

/** Windows are counted; anything else would have to be asked. */
async function look(options: HttpOptions, context: PullContext): Promise<Outlook> {
  const { cursor } = options;
  const position = readPosition(context.position);
  const { items } = position;
  if (isTooSoon(options, position, context.now_ms))
    return { pending: 'none', words: `asked less than ${options.every} ago` };
  if (cursor?.window === undefined) return { pending: 'unknown', words: 'an API is asked on every run' };
  const all = await readItems(options, context.root);
  const waiting = all.reduce((sum, { key }) => sum + windowsWaiting(cursor, items[key] ?? {}, context.now_ms), 0);
  if (waiting === 0) return { pending: 'none', words: `every window of ${cursor.window} up to now was taken` };
  return { pending: 'some', words: `${waiting.toLocaleString('en')} windows of ${cursor.window} to ask for` };
}

async function probe(
  options: HttpOptions,
  asker: Asker,
  { signal, root }: { signal: AbortSignal; root: string },
): Promise<Probe> {
  try {
    const [item] = await readItems(options, root);
    if (item === undefined) return { ok: true, words: 'nothing to ask for' };
    const stretch = nextStretch(options.cursor, {}, Date.now()) ?? { parameters: {} };
    const ask = buildAsk(options, item, withStretch(options, stretch, pageParameters(options.pages, FIRST_PAGE)));
    const answer = await asker.once(ask, signal);
    return { ok: true, words: `${shown(ask.url)} answers with status ${answer.status}` };
  } catch (error) {
    if (error instanceof AttemptFailed)
      return { ok: false, words: `${new URL(options.url.replaceAll(/[{}]/g, '_')).host}: ${error.message}` };
    if (error instanceof DataflowError) return { ok: false, words: error.message, hint: error.hint };
    throw error;
  }
}

/** What a position counts for: the path; host and query may move. */
function endpointOf({ url, cursor }: HttpOptions): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '') || '/';
  return cursor === undefined ? path : `${path} by ${cursor.param}`;
}
