import { useSyncExternalStore } from 'react';

/** Where the reader is: path and query of the address. The history of the browser is the only memory of it. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const CHANGED = 'dataflow:place';

function subscribe(changed: () => void): () => void {
  window.addEventListener('popstate', changed);
  window.addEventListener(CHANGED, changed);
  return () => {
    window.removeEventListener('popstate', changed);
    window.removeEventListener(CHANGED, changed);
  };
}

const address = (): string => window.location.pathname + window.location.search;

/** The place of now; who uses it is drawn again when it changes. */
export function usePlace(): Place {
  const [path = '/', query = ''] = splitOnce(useSyncExternalStore(subscribe, address));
  return { path, query: new URLSearchParams(query) };
}

/** Goes to an address of this dashboard. `replace` leaves no step for the back button. */
export function goTo(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (to === address()) return;
  window.history[replace ? 'replaceState' : 'pushState'](null, '', to);
  window.dispatchEvent(new Event(CHANGED));
}

function splitOnce(text: string): readonly string[] {
  const at = text.indexOf('?');
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
