import { expect, it } from 'vitest';
import { persist } from './retry.ts';

const retry = {
  patience_ms: 5_000,
  signal: new AbortController().signal,
  place: 'broker',
  topic: 't',
  note: () => undefined,
};

/** As the library throws it. */
function libraryError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name, retriable: false });
}

/** Fails so often, then answers how often it was asked. */
function failing(times: number, error: Error): () => Promise<number> {
  let asked = 0;
  return async () => {
    asked += 1;
    if (asked <= times) throw error;
    return asked;
  };
}

it('asks again while a broker that has just come up has no coordinator for a group', async () => {
  const error = libraryError('KafkaJSGroupCoordinatorNotFound', 'Failed to find group coordinator');
  expect(await persist(retry, failing(2, error))).toBe(3);
});

it('does not ask again where no time would help', async () => {
  const error = libraryError('KafkaJSSASLAuthenticationError', 'no such user');
  await expect(persist(retry, failing(1, error))).rejects.toMatchObject({ code: 'E_SOURCE_DENIED' });
});
