import { shortHash } from '../../kit/ids.ts';
import { ParameterError } from './parameter-error.ts';

/** Where a walk over the pages of one release stands. */
export interface Cursor {
  readonly release_id: string;
  readonly offset: number;
}

/** @param question what has to stay the same during a walk: filters, order, columns. */
export function cursorText({ release_id, offset }: Cursor, question: string): string {
  return Buffer.from(JSON.stringify([release_id, offset, shortHash(question)])).toString('base64url');
}

/** @throws ParameterError for what no answer gave, or what belongs to another question. */
export function cursorOf(text: string): Cursor & { readonly hash: string } {
  try {
    const [release_id, offset, hash] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[];
    if (
      typeof release_id === 'string' &&
      /^[0-9a-z]{20}$/.test(release_id) &&
      isPlace(offset) &&
      typeof hash === 'string'
    )
      return { release_id, offset, hash };
  } catch {
    // said below
  }
  throw new ParameterError('cursor', 'it is none that was given out', 'the value of next in an answer');
}

export function refuseOther(hash: string, question: string): void {
  if (hash !== shortHash(question))
    throw new ParameterError('cursor', 'it belongs to another question', 'the same filters, sort and fields as before');
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
