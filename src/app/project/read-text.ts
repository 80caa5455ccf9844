import { readFileSync, statSync } from 'node:fs';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/**
 * The text of a small file, strictly UTF-8, without a byte order mark. Never waits on a pipe or device and never reads more than allowed.
 * @throws DataflowError E_CONFIG_NOT_FOUND, E_CONFIG_LIMIT, E_CONFIG_SYNTAX, without the file's content in the message.
 */
export function readTextFile(path: string, size_bytes_max: number): string {
  const place = { file: path };
  let bytes: Uint8Array;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new DataflowError('E_CONFIG_NOT_FOUND', `${path} is not a file`, { place });
    if (stat.size > size_bytes_max)
      throw new DataflowError('E_CONFIG_LIMIT', `${path} has ${stat.size} bytes, at most ${size_bytes_max} are read`, {
        place,
      });
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof DataflowError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no file' : `cannot read (${code ?? 'unknown error'})`;
    throw new DataflowError('E_CONFIG_NOT_FOUND', `${why} ${path}`, {
      place,
      hint: 'Check the path and the permissions.',
      cause: error,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DataflowError('E_CONFIG_SYNTAX', `${path} is not UTF-8 text`, {
      place,
      hint: 'Save it as UTF-8.',
      cause: error,
    });
  }
}
