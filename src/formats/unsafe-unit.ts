import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { InspectRequest } from '../core/ports/format.ts';
import type { Inspection } from '../core/ports/source.ts';

/** What is known of a unit whose inspection had to be stopped: its bytes, and why it cannot be taken. */
export async function unsafeUnit({ unit }: InspectRequest, reason: string, signal?: AbortSignal): Promise<Inspection> {
  const hash = createHash('sha256');
  let size_bytes = 0;
  for await (const chunk of createReadStream(unit.uri, signal === undefined ? {} : { signal })) {
    hash.update(chunk as Buffer);
    size_bytes += (chunk as Buffer).length;
  }
  return {
    sha256: hash.digest('hex'),
    size_bytes,
    expanded_bytes: size_bytes,
    records: 0,
    first_record_line: 1,
    multiline_records: false,
    encoding: 'binary',
    problem: { rule: 'unsafe_file', reason },
    notes: [],
  };
}
