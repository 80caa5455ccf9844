import { StringDecoder } from 'node:string_decoder';
import type { Conversion } from './inspect-converted.ts';
import { textOf } from './text.ts';
import { UnitFault } from './unit-fault.ts';

/** The unit's text in pieces. @throws UnitFault of {@link textOf}; `invalid_encoding` at the end when some of it was not what its encoding says */
export async function* textChunks({ raw, request, facts }: Conversion): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  for await (const chunk of textOf(raw, request, facts)) yield decoder.write(chunk);
  const rest = decoder.end();
  if (rest !== '') yield rest;
  const { first_offset } = facts.utf8;
  if (first_offset === undefined) return;
  throw new UnitFault(
    'invalid_encoding',
    'its bytes are not UTF-8; say which encoding it is: `encoding: windows-1252` (or latin-1, utf-16)',
    { byte_offset: first_offset },
  );
}
