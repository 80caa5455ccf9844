const KEY = 'dataflow.token';

/** The bearer token of this tab: it goes with the tab, and no other page or program gets it. */
export function keptToken(): string | null {
  return sessionStorage.getItem(KEY);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}
