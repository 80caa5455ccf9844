import { useSyncExternalStore } from 'react';
import { forgetToken, keepToken } from './token.ts';

/** Whether the server wants to know who asks: set by the first answer that says so, unset by a sign-in. */
let locked = false;
const listeners = new Set<() => void>();

function set(value: boolean): void {
  if (locked === value) return;
  locked = value;
  for (const told of listeners) told();
}

export const lock = (): void => set(true);

export function signIn(token: string): void {
  keepToken(token);
  set(false);
}

export function signOut(): void {
  forgetToken();
  set(true);
}

function subscribe(told: () => void): () => void {
  listeners.add(told);
  return () => listeners.delete(told);
}

export function useLocked(): boolean {
  return useSyncExternalStore(subscribe, () => locked);
}
