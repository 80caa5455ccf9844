import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const MIB = 1024 * 1024;
/** Up to this size a file goes in one piece. */
export const WHOLE_BYTES_MAX = 16 * MIB;
const PARTS_MAX = 9_000;

/** The size of the parts of a file: always the same for a size, so that what lies there can be compared part by part later. */
export function partSize(size_bytes: number): number {
  return Math.max(16 * MIB, Math.ceil(size_bytes / PARTS_MAX / MIB) * MIB);
}

/** Part sizes that other programs use. */
const OTHERS_MIB = [5, 8, 10, 15, 16, 32, 50, 64, 100, 128];

/**
 * Whether a file of this machine has the bytes that a tag stands for. A tag of 32 hex digits is the MD5 of the bytes; one that ends in `-n` is the
 * MD5 of the MD5s of n parts, whose size has to be guessed. Undefined: the tag tells nothing.
 */
export async function tagMatches(path: string, size_bytes: number, tag: string): Promise<boolean | undefined> {
  if (/^[0-9a-f]{32}$/.test(tag)) {
    const [whole] = await md5sOf(path, size_bytes, Math.max(1, size_bytes));
    return whole?.toString('hex') === tag;
  }
  const parts = Number(/^[0-9a-f]{32}-(\d+)$/.exec(tag)?.[1] ?? 0);
  const own = partSize(size_bytes);
  for (const size of new Set([own, ...OTHERS_MIB.map((mib) => mib * MIB)])) {
    if (Math.max(1, Math.ceil(size_bytes / size)) !== parts) continue;
    if (tagOfParts(await md5sOf(path, size_bytes, size)) === tag) return true;
    if (size === own) return false;
  }
  return undefined;
}

/** The MD5 of each part. A file that is shorter than said has others. */
async function md5sOf(path: string, size_bytes: number, part_bytes: number): Promise<readonly Buffer[]> {
  const file = await open(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(Math.min(MIB, Math.max(1, size_bytes)));
    const sums: Buffer[] = [];
    for (let from = 0; from === 0 || from < size_bytes; from += part_bytes) {
      const hash = createHash('md5');
      const to = Math.min(size_bytes, from + part_bytes);
      for (let at = from; at < to; ) {
        const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, to - at), at);
        if (bytesRead === 0) break;
        hash.update(chunk.subarray(0, bytesRead));
        at += bytesRead;
      }
      sums.push(hash.digest());
    }
    return sums;
  } finally {
    await file.close();
  }
}

/** The tag of an object whose parts have these MD5s. */
export function tagOfParts(md5s: readonly Buffer[]): string {
  return `${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${md5s.length}`;
}
