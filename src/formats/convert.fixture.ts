import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InspectOptions } from '../core/ports/format.ts';
import type { ConvertedFormat, InputUnit, Inspection } from '../core/ports/source.ts';
import { inspectors } from './inspectors.ts';

const OPTIONS: InspectOptions = {
  encoding: 'auto',
  quote: '"',
  has_header: true,
  skip_lines: 0,
  max_expanded_bytes: 1e9,
  max_ratio: 200,
  max_line_bytes: 1e6,
};

/** What an inspection found, with the text of the copy that it wrote. */
export type Seen = Inspection & { readonly text?: string };

/** Inspects content as a file of a format, in a folder of its own that is gone afterwards. */
export async function convert(
  made_from: ConvertedFormat,
  content: string | Buffer,
  options: Partial<InspectOptions> = {},
  compression: InputUnit['compression'] = 'none',
): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-convert-'));
  try {
    const uri = join(folder, 'case');
    writeFileSync(uri, content);
    const unit: InputUnit = {
      path: 'case',
      uri,
      size_bytes: Buffer.byteLength(content),
      mtime_ns: '0',
      inode: '0',
      format: made_from === 'fixed' ? 'csv' : 'ndjson',
      made_from,
      compression,
    };
    const found = await inspectors[made_from].inspect({
      unit,
      temp_folder: folder,
      options: { ...OPTIONS, ...options },
    });
    return found.decoded_uri === undefined ? found : { ...found, text: readFileSync(found.decoded_uri, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
