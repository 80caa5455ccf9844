import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { ReleaseShape, ServerEvent } from '../../core/contract/dashboard.ts';
import { listen } from './events.ts';

/** What the server told since the page was opened. */
export interface Live {
  /** Grows when what is shown may have changed: everything that was asked for is asked for again. */
  readonly generation: number;
  /** Grows with each event of a run: pages about runs ask again. */
  readonly runs: number;
  readonly connected: boolean;
  /** The release that the head of the page names. */
  readonly shown: ReleaseShape | null;
  show(release: ReleaseShape | null): void;
}

const Context = createContext<Live>({ generation: 0, runs: 0, connected: true, shown: null, show: () => {} });

export function useLive(): Live {
  return useContext(Context);
}

/** Listens to the server for all below it. */
export function LiveEvents({ children }: { readonly children: ReactNode }): ReactNode {
  const [generation, setGeneration] = useState(0);
  const [runs, setRuns] = useState(0);
  const [connected, setConnected] = useState(true);
  const [shown, setShown] = useState<ReleaseShape | null>(null);
  /** The release that is known here; undefined before the first answer, which needs no second one. */
  const known = useRef<string | null | undefined>(undefined);
  const lost = useRef(false);
  const show = useCallback((release: ReleaseShape | null) => {
    known.current = release?.release_id ?? null;
    setShown(release);
  }, []);

  useEffect(() => {
    const refresh = (): void => setGeneration((one) => one + 1);
    const told = ({ event, data }: ServerEvent): void => {
      if (event === 'run') setRuns((one) => one + 1);
      else if (known.current !== undefined && known.current !== data.release_id) {
        known.current = data.release_id;
        refresh();
      }
    };
    const isConnected = (yes: boolean): void => {
      setConnected(yes);
      if (yes && lost.current) {
        // What happened while the stream was away was not told.
        refresh();
        setRuns((one) => one + 1);
      }
      lost.current = !yes;
    };
    const leaving = new AbortController();
    void listen({ event: told, connected: isConnected }, leaving.signal);
    return () => leaving.abort();
  }, []);

  const live = useMemo(
    () => ({ generation, runs, connected, shown, show }),
    [generation, runs, connected, shown, show],
  );
  return <Context.Provider value={live}>{children}</Context.Provider>;
}
