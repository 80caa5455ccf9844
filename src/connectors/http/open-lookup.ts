import { isUtf8 } from 'node:buffer';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Lookup, LookupReply } from '../../core/ports/lookup.ts';
import type { Probe } from '../../core/ports/pulled-source.ts';
import { cutJson } from '../../kit/json-cut.ts';
import { JsonFault } from '../../kit/json-fault.ts';
import { type JsonPath, parseJsonPath } from '../../kit/json-path.ts';
import { buildAsk, itemOf } from './ask.ts';
import { Asker } from './asker.ts';
import { AttemptFailed, badBody } from './errors.ts';
import type { Answer } from './exchange.ts';
import type { HttpLookupOptions } from './lookup-options.ts';
import { refuseHtml } from './page.ts';

const OBJECT = 0x7b;
const ARRAY = 0x5b;
/** A longer value is no value of a column. */
const VALUE_BYTES_MAX = 1_000_000;

/** Asks an API for one key at a time, by the rules that hold for sources. */
export function openHttpLookup(options: HttpLookupOptions): Lookup {
  const asker = new Asker(options);
  const question = { ...options, format: 'json' as const };
  return {
    ask: async (key, wanted, { signal, note }) => {
      const unfit = unfitKey(key);
      if (unfit !== undefined) return { kind: 'refused', reason: unfit };
      const ask = buildAsk(question, itemOf(key), { query: {}, body: {} });
      const hooks = { signal, note, beforeWait: () => Promise.resolve() };
      try {
        return await asker.ask(ask, hooks, (answer) => valuesIn(answer, wanted));
      } catch (error) {
        return failedReply(error);
      }
    },
    probe: async (known, _wanted, { signal }) => {
      if (options.method === 'POST') return { ok: true, words: 'not tried: a POST might change something' };
      if (known === undefined) return { ok: true, words: 'not tried: no key is known yet that has an answer' };
      try {
        await asker.once(buildAsk(question, itemOf(known), { query: {}, body: {} }), signal);
        return { ok: true, words: 'answers for a key that it answered before' };
      } catch (error) {
        if (error instanceof AttemptFailed || error instanceof DataflowError) return refusedProbe(error);
        throw error;
      }
    },
    close: () => asker.close(),
  };
}

function refusedProbe(error: AttemptFailed | DataflowError): Probe {
  const hint = 'Mend the lookup, or wait until it answers: until then rows whose keys are not remembered fail.';
  return { ok: false, words: error.message, hint: (error instanceof DataflowError ? error.hint : undefined) ?? hint };
}

/** In a path these would lead to another resource than the one that is asked for. */
function unfitKey(key: Readonly<Record<string, string>>): string | undefined {
  const found = Object.entries(key).find(([, value]) => ['', '.', '..'].includes(value.trim()));
  return found === undefined ? undefined : `${JSON.stringify(found[1])} cannot be asked for`;
}

/** The answer is about this key, and is a refusal: 404 and its like. What concerns all keys is thrown on. */
function failedReply(error: unknown): LookupReply {
  if (!(error instanceof DataflowError)) throw error;
  const { cause } = error;
  if (!(cause instanceof AttemptFailed)) throw error;
  const { status = 0, message } = cause;
  if (error.code === 'E_SOURCE_QUERY' && status >= 400 && status < 500) return { kind: 'refused', reason: message };
  const unclear = error.code === 'E_SOURCE_UNREACHABLE' || error.code === 'E_HTTP_BODY' || status >= 500;
  // Too many requests are too many for every key.
  if (!unclear || status === 429) throw error;
  return { kind: 'unreachable', reason: message, error };
}

function valuesIn(answer: Answer, wanted: readonly string[]): LookupReply {
  const { body } = answer;
  if (answer.status === 204) return { kind: 'refused', reason: 'it answers without content' };
  refuseHtml(answer, 'json');
  if (!isUtf8(body)) throw badBody('its bytes are not UTF-8');
  try {
    const finds = cutJson(
      body,
      wanted.map((text) => ({ path: pathOf(text), wanted: 'value' as const })),
    );
    const values: (string | null)[] = [];
    for (const [index, { value }] of finds.entries()) {
      if (value === undefined) return { kind: 'refused', reason: `its answer has nothing at ${wanted[index]}` };
      const opens = body[value.start];
      if (opens === OBJECT || opens === ARRAY || value.end - value.start > VALUE_BYTES_MAX)
        return { kind: 'refused', reason: `what its answer has at ${wanted[index]} is no single value` };
      values.push(scalarText(body.toString('utf8', value.start, value.end)));
    }
    return { kind: 'answer', values };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw badBody(`its JSON is damaged: ${error.message} (byte ${error.offset} of ${body.length})`, error);
  }
}

function pathOf(text: string): JsonPath {
  return parseJsonPath(text) ?? { text: '$', steps: [] };
}

/** A number keeps every digit: it is never made a number of JavaScript. */
function scalarText(raw: string): string | null {
  if (raw === 'null') return null;
  if (!raw.startsWith('"')) {
    if (raw === 'true' || raw === 'false' || /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(raw)) return raw;
    throw badBody(`its JSON is damaged: ${JSON.stringify(raw.slice(0, 40))} is no value`);
  }
  try {
    return String(JSON.parse(raw));
  } catch (error) {
    throw badBody('its JSON is damaged: a text has an escape that JSON does not know', error);
  }
}
