import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Piece } from './pieces.ts';

const TRIES_MAX = 4;

/** What is made anew where a load commits under it: before anything went out, the next state of the destination answers as well. */
export async function askedAgain<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await ask();
    } catch (error) {
      if (tries >= TRIES_MAX || !movedOn(error)) throw error;
    }
}

function movedOn(error: unknown): boolean {
  const cause = error instanceof DataflowError && error.code === 'E_SERVE_STORE' ? error.cause : undefined;
  return cause instanceof DataflowError && cause.code === 'E_LOAD_CONFLICT';
}

/** The same pieces, of which the first is there: whether the destination answers is known. */
export async function begun<T extends { readonly pieces: AsyncIterable<Piece> | readonly string[] }>(
  made: T,
): Promise<T> {
  const { pieces } = made;
  if (!(Symbol.asyncIterator in pieces)) return made;
  const rest = pieces[Symbol.asyncIterator]();
  const first = await rest.next();
  return { ...made, pieces: resumed(first, rest) };
}

async function* resumed(
  first: IteratorResult<Piece, unknown>,
  rest: AsyncIterator<Piece, unknown>,
): AsyncGenerator<Piece, void, void> {
  try {
    for (let one = first; one.done !== true; one = await rest.next()) yield one.value;
  } finally {
    await rest.return?.();
  }
}
