import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';

/** How an answer is packed on its way: what the client takes decides. */
export type Encoding = 'br' | 'gzip' | 'identity';

/** Below this size packing costs more than it saves. */
export const PACK_BYTES_MIN = 1_024;

/** Packs fast enough to be done while somebody waits; slower ones save a few percent more. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP = { level: 6 };

/** Headers that were understood before: clients send the same few. */
const known = new Map<string, Encoding>();
const KNOWN_MAX = 100;

/** The best encoding that an `Accept-Encoding` allows; `br` before `gzip` where both are wanted alike. */
export function encodingOf(header: string | readonly string[] | undefined): Encoding {
  if (header === undefined) return 'identity';
  const text = String(header);
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size >= KNOWN_MAX) known.clear();
  const encoding = understood(text);
  known.set(text, encoding);
  return encoding;
}

function understood(text: string): Encoding {
  const weights = new Map<string, number>();
  for (const one of text.toLowerCase().split(',').slice(0, 20)) {
    const [name = '', ...settings] = one.split(';').map((part) => part.trim());
    const weight = settings.find((part) => part.startsWith('q='))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0;
  const [best] = (['br', 'gzip'] as const)
    .map((name) => ({ name, weight: weightOf(name) }))
    .sort((a, b) => b.weight - a.weight);
  const plain = weights.get('identity') ?? 0;
  return best === undefined || best.weight === 0 || best.weight < plain ? 'identity' : best.name;
}

/** Texts are worth it; an Arrow stream is read in place by who gets it. */
export function isPackable(type: string): boolean {
  return /^(text\/(?!event-stream)|application\/(x-ndjson|([\w.-]+\+)?json))/.test(type);
}

/** The packed bytes of a whole answer, made beside the event loop. */
export function packed(body: Buffer, encoding: Exclude<Encoding, 'identity'>): Promise<Buffer> {
  return encoding === 'br' ? promisify(brotliCompress)(body, BROTLI) : promisify(gzip)(body, GZIP);
}

/** The same for an answer that goes out as it is made. */
export function packer(encoding: Exclude<Encoding, 'identity'>): Transform {
  return encoding === 'br' ? createBrotliCompress(BROTLI) : createGzip(GZIP);
}
