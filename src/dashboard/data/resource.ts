import { useCallback, useEffect, useState } from 'react';
import { AskError, askJson } from './client.ts';
import { useLive } from './live.tsx';

/** What came of a question, and how it stands. */
export interface Resource<T> {
  /** The newest answer; while another question is at work, the answer to the one before. */
  readonly data: T | undefined;
  readonly error: AskError | undefined;
  readonly loading: boolean;
  retry(): void;
}

interface State<T> {
  readonly of: string | null;
  readonly data: T | undefined;
  readonly error: AskError | undefined;
  readonly loading: boolean;
}

/**
 * Asks for `path` (null: nothing yet) and asks again when a release appears, or a run said something where `runs` is set. Leaving ends the
 * question. An answer stays in view until the next one is there, so that nothing flickers.
 */
export function useResource<T>(path: string | null, { runs = false }: { readonly runs?: boolean } = {}): Resource<T> {
  const live = useLive();
  const [state, setState] = useState<State<T>>({ of: null, data: undefined, error: undefined, loading: path !== null });
  const [tries, setTries] = useState(0);
  const occasion = `${live.generation} ${runs ? live.runs : 0} ${tries}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `occasion` is no part of the question, it says that it is to be asked again
  useEffect(() => {
    if (path === null) return;
    const leaving = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    askJson<T>(path, leaving.signal).then(
      (data) => setState({ of: path, data, error: undefined, loading: false }),
      (error: unknown) => {
        if (leaving.signal.aborted) return;
        const problem = error instanceof AskError ? error : new AskError(0);
        setState((before) => ({
          of: path,
          data: before.of === path ? before.data : undefined,
          error: problem,
          loading: false,
        }));
      },
    );
    return () => leaving.abort();
  }, [path, occasion]);

  const retry = useCallback(() => setTries((one) => one + 1), []);
  return { data: state.data, error: state.error, loading: state.loading, retry };
}
