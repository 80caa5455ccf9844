import { isUtf8 } from 'node:buffer';
import type { RecordCursor } from './record-batch.ts';

/** Headers as JSON text: `{"name":"value"}`; a name that comes more than once has a list. */
export function headersText(message: RecordCursor): string {
  const found = new Map<string, (string | null)[]>();
  for (const [name, value] of message.headers()) {
    const text = value === null ? null : textOf(value);
    const before = found.get(name);
    if (before === undefined) found.set(name, [text]);
    else before.push(text);
  }
  const members = [...found].map(
    ([name, values]) => `${JSON.stringify(name)}:${JSON.stringify(values.length === 1 ? values[0] : values)}`,
  );
  return `{${members.join(',')}}`;
}

/** Bytes as text; what is no UTF-8 as `base64:…`. */
export function textOf(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : `base64:${bytes.toString('base64')}`;
}
