import type { InputUnit } from '../../core/ports/source.ts';
import { type GzipFacts, gunzip } from './gzip.ts';
import type { RawReader } from './raw.ts';
import { UnitFault } from './unit-fault.ts';

/** Expansion up to here is harmless whatever the ratio. */
export const RATIO_FLOOR_BYTES = 100 * 1024 * 1024;

export interface ExpandLimits {
  readonly max_expanded_bytes: number;
  readonly max_ratio: number;
}

/** What is known of a file's compression after {@link expand} has ended. */
export interface ExpandFacts {
  expanded_bytes: number;
  /** The engine would refuse or misread the compressed file, so it needs a decoded copy. */
  needs_copy: boolean;
  readonly notes: string[];
}

/**
 * The file's content after decompression, in chunks that are valid until the next one is asked for.
 * Stops as soon as a limit is passed: a bomb never expands further than that.
 * @throws UnitFault `wrong_compression`, `wrong_format`, `damaged_gzip`, `damaged_zstd`, `trailing_garbage`, `expansion_limit`
 */
export async function* expand(
  raw: RawReader,
  compression: InputUnit['compression'],
  limits: ExpandLimits,
  facts: ExpandFacts,
): AsyncGenerator<Buffer> {
  const ratioBytes = Math.max(RATIO_FLOOR_BYTES, raw.size_bytes * limits.max_ratio);
  for await (const chunk of decompressed(raw, compression, facts)) {
    facts.expanded_bytes += chunk.length;
    if (facts.expanded_bytes > limits.max_expanded_bytes) {
      throw new UnitFault(
        'expansion_limit',
        `it expands beyond ${limits.max_expanded_bytes} bytes (max_expanded_bytes)`,
      );
    }
    if (compression !== 'none' && facts.expanded_bytes > ratioBytes) {
      throw new UnitFault('expansion_limit', `it expands to more than ${limits.max_ratio} times its size (max_ratio)`);
    }
    yield chunk;
  }
}

async function* decompressed(
  raw: RawReader,
  compression: InputUnit['compression'],
  facts: ExpandFacts,
): AsyncGenerator<Buffer> {
  const pull = (): Buffer | undefined => raw.next();
  if (compression === 'gzip') {
    const gzip: GzipFacts = { members: 0, unusual: false };
    yield* gunzip(pull, gzip);
    facts.needs_copy ||= gzip.unusual;
    if (gzip.members > 1) facts.notes.push(`${gzip.members} gzip members`);
    return;
  }
  if (compression === 'zstd') {
    const { unzstd } = await import('./zstd.ts');
    const zstd = { frames: 0, unchecked: false };
    yield* unzstd(pull, zstd);
    if (zstd.frames > 1) facts.notes.push(`${zstd.frames} zstd frames`);
    if (zstd.unchecked)
      facts.notes.push('zstd without a content checksum: only its structure and length were verified');
    return;
  }
  let first = true;
  for (let chunk = raw.next(); chunk !== undefined; chunk = raw.next()) {
    if (first) refuseOtherFormat(chunk);
    first = false;
    yield chunk;
  }
}

const FOREIGN: readonly { readonly magic: Buffer; readonly name: string }[] = [
  { magic: Buffer.from([0x1f, 0x8b]), name: 'a gzip file' },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), name: 'a zstd file' },
  { magic: Buffer.from('PK\x03\x04'), name: 'a zip archive or a spreadsheet' },
  { magic: Buffer.from('BZh'), name: 'a bzip2 file' },
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), name: 'an xz file' },
  { magic: Buffer.from('PAR1'), name: 'a Parquet file' },
  { magic: Buffer.from('%PDF-'), name: 'a PDF' },
  { magic: Buffer.from([0xd0, 0xcf, 0x11, 0xe0]), name: 'an old spreadsheet' },
];

/** Text that begins like one of these is a file with the wrong extension; `BZh` counts only with its block size. */
export function refuseOtherFormat(head: Buffer): void {
  for (const { magic, name } of FOREIGN) {
    if (!head.subarray(0, magic.length).equals(magic)) continue;
    if (name === 'a bzip2 file' && !/^BZh[1-9]1AY/.test(head.toString('latin1', 0, 7))) continue;
    if (name === 'a Parquet file' && /^PAR1[\x20-\x7e\r\n\t]*$/.test(head.toString('latin1', 0, 64))) continue;
    throw new UnitFault('wrong_format', `by its first bytes it is ${name}, not what its name says`, { byte_offset: 0 });
  }
}
