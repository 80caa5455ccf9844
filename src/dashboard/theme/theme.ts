import { useSyncExternalStore } from 'react';
import type { Theme } from './palette.ts';

/** What the reader chose: light, dark, or what the system says. */
export type ThemeChoice = 'auto' | 'light' | 'dark';

const KEY = 'dataflow.theme';
const CHANGED = 'dataflow:theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');

function choice(): ThemeChoice {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

function resolved(): Theme {
  const chosen = choice();
  if (chosen !== 'auto') return chosen;
  return system.matches ? 'dark' : 'light';
}

function subscribe(changed: () => void): () => void {
  system.addEventListener('change', changed);
  window.addEventListener(CHANGED, changed);
  return () => {
    system.removeEventListener('change', changed);
    window.removeEventListener(CHANGED, changed);
  };
}

/** Puts the choice on the page; the style sheets do the rest. */
export function applyTheme(): void {
  const chosen = choice();
  if (chosen === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}

export function chooseTheme(chosen: ThemeChoice): void {
  localStorage.setItem(KEY, chosen);
  applyTheme();
  window.dispatchEvent(new Event(CHANGED));
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, choice);
}

/** Light or dark, for what is drawn and not styled. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, resolved);
}
