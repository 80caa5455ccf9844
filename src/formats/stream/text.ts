import type { InspectRequest } from '../../core/ports/format.ts';
import { chooseEncoding, type Encoding, transcoder, Utf8Watch } from './decode.ts';
import { type ExpandFacts, expand } from './expand.ts';
import type { RawReader } from './raw.ts';
import { UnitFault } from './unit-fault.ts';

/** Enough to sniff a dialect and to hold any sane header. */
const HEAD_BYTES = 64 * 1024;

/** What is known of a text file; complete once {@link textOf} has ended. */
export interface TextFacts extends ExpandFacts {
  encoding: Encoding;
  byte_order_mark: boolean;
  readonly utf8: Utf8Watch;
  /** Number of the line that is being read, for problems that are found before the text is taken apart; set by the reader. */
  line_now?: () => number;
}

export function newTextFacts(): TextFacts {
  return {
    expanded_bytes: 0,
    needs_copy: false,
    notes: [],
    encoding: 'utf-8',
    byte_order_mark: false,
    utf8: new Utf8Watch(),
  };
}

/**
 * The file's text as UTF-8 without its byte order mark. The first chunk holds at least 64 KB unless the text is shorter.
 * A chunk is valid until the next one is asked for. An empty text yields nothing.
 * @throws UnitFault of {@link expand}, and `invalid_encoding`
 */
export async function* textOf(raw: RawReader, request: InspectRequest, facts: TextFacts): AsyncGenerator<Buffer> {
  const chunks = expand(raw, request.unit.compression, request.options, facts);
  const { head, done } = await gatherHead(chunks);
  if (
    request.unit.compression !== 'none' &&
    /^\x1f\x8b|^\x28\xb5\x2f\xfd|^PK\x03\x04/.test(head.toString('latin1', 0, 4))
  ) {
    throw new UnitFault('nested_archive', 'it is compressed twice, or holds an archive', { byte_offset: 0 });
  }
  const choice = chooseEncoding(head, request.options.encoding);
  facts.encoding = choice.encoding;
  facts.byte_order_mark = choice.mark_bytes > 0;
  const decoder = transcoder(choice.encoding);
  const guard = new TextGuard(facts);
  yield* guard.pass(decoder.push(head.subarray(choice.mark_bytes)));
  if (!done) for await (const chunk of chunks) yield* guard.pass(decoder.push(chunk));
  yield* guard.pass(decoder.end());
  facts.utf8.end();
}

/** Looks at the text before a reader does. */
class TextGuard {
  readonly #facts: TextFacts;
  #offset = 0;

  constructor(facts: TextFacts) {
    this.#facts = facts;
  }

  /** Text up to a NUL is passed on first, so that the reader knows the line. */
  *pass(text: Buffer): Generator<Buffer> {
    if (text.length === 0) return;
    const nul = text.indexOf(0);
    if (nul >= 0) {
      if (nul > 0) yield text.subarray(0, nul);
      const reason =
        'it holds NUL bytes: it was not written completely, or it is UTF-16 without a byte order mark (then set `encoding: utf-16`)';
      throw new UnitFault('nul_bytes', reason, { byte_offset: this.#offset + nul, ...lineOf(this.#facts) });
    }
    if (this.#facts.encoding === 'utf-8') this.#facts.utf8.push(text);
    this.#offset += text.length;
    yield text;
  }
}

function lineOf(facts: TextFacts): { readonly line?: number } {
  const line = facts.line_now?.();
  return line === undefined ? {} : { line };
}

async function gatherHead(chunks: AsyncGenerator<Buffer>): Promise<{ head: Buffer; done: boolean }> {
  let head: Buffer | undefined;
  for (;;) {
    const { value, done } = await chunks.next();
    if (done === true) return { head: head ?? Buffer.alloc(0), done: true };
    if (head === undefined && value.length >= HEAD_BYTES) return { head: value, done: false };
    // A copy: the chunk's memory is used again.
    head = head === undefined ? Buffer.from(value) : Buffer.concat([head, value]);
    if (head.length >= HEAD_BYTES) return { head, done: false };
  }
}
