import { DataflowError } from '../errors/dataflow-error.ts';

/** What a configuration may not exceed. Far above what people write, far below what hurts. */
export const CONFIG_LIMITS = {
  file_bytes_max: 1_000_000,
  files_max: 500,
  /** Levels of maps and lists. */
  depth_max: 40,
  /** Uses of `*alias` in one file. */
  aliases_max: 1_000,
  /** Values in all files together, with aliases expanded. */
  entries_max: 100_000,
  sql_file_bytes_max: 1_000_000,
} as const;

/** Brackets, or compact `- - -` lists, that may be open at once before the parser (which recurses) sees the text. */
const RAW_DEPTH_MAX = 1_000;

/**
 * Refuses a text that is too large or too deeply nested before the YAML parser sees it: the parser recurses for each level
 * and overflows the stack at some ten thousand. Counts brackets without regard to quotes, which can only exaggerate;
 * the exact limit is applied to the parsed tree.
 * @throws DataflowError E_CONFIG_LIMIT
 */
export function refuseOversized(file: string, text: string): void {
  const size_bytes = Buffer.byteLength(text);
  if (size_bytes > CONFIG_LIMITS.file_bytes_max) {
    throw new DataflowError(
      'E_CONFIG_LIMIT',
      `the file has ${size_bytes} bytes, at most ${CONFIG_LIMITS.file_bytes_max} are read`,
      { place: { file } },
    );
  }
  let depth = 0;
  let dashes = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x5b || char === 0x7b) depth += 1;
    else if (char === 0x5d || char === 0x7d) depth = Math.max(0, depth - 1);
    else if (char === 0x2d || char === 0x3f) dashes += 1;
    else if (char !== 0x20) dashes = 0;
    if (depth > RAW_DEPTH_MAX || (dashes > RAW_DEPTH_MAX && text.charCodeAt(i) === 0x20)) throw tooDeep(file, text, i);
  }
}

function tooDeep(file: string, text: string, offset: number): DataflowError {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - before.lastIndexOf('\n');
  return new DataflowError('E_CONFIG_LIMIT', `nested more than ${CONFIG_LIMITS.depth_max} levels deep`, {
    place: { file, line, column },
  });
}
