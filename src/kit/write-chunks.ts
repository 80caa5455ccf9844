import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** What chunks came to. */
export interface Written {
  readonly size_bytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface WriteChunksOptions {
  /** `w` replaces a file of that name, `wx` refuses. */
  readonly flags: 'w' | 'wx';
  readonly mode: number;
  /** The bytes are on the disk when it returns; otherwise a power cut may take them. */
  readonly durable: boolean;
  /** Told how many bytes more were written. */
  readonly came?: (bytes: number) => void;
}

/** Writes chunks to a file as they come, and hashes them, so that the caller can hold both against what was recorded. Errors pass as they are. */
export async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { flags, mode, durable, came }: WriteChunksOptions,
): Promise<Written> {
  const hash = createHash('sha256');
  let size_bytes = 0;
  const file = await open(path, flags, mode);
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size_bytes += chunk.length;
      await file.writeFile(chunk);
      came?.(chunk.length);
    }
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
  return { size_bytes, sha256: hash.digest('hex') };
}
