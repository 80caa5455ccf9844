import { createContext } from 'react';
import type { PlacesOf } from './drawing.ts';

/**
 * Hands out places in a palette of `count` colours. A name keeps its place for as long as the page is open, whichever chart it is in and
 * whatever is filtered; within one chart places differ for as long as there are enough of them.
 */
export function nameColors(count: number): PlacesOf {
  const known = new Map<string, Map<string, number>>();
  return (column, names) => {
    if (column === undefined) return names.map((_, i) => i);
    const of = known.get(column) ?? new Map<string, number>();
    known.set(column, of);
    const here = new Set<number>();
    const places = new Map<string, number>();
    const take = (name: string, place: number): void => {
      here.add(place);
      places.set(name, place);
    };
    for (const name of names) {
      const place = of.get(name);
      if (place !== undefined && !here.has(place)) take(name, place);
    }
    // In the order of names, so that it does not matter which chart comes first.
    for (const name of [...names].sort()) {
      if (places.has(name)) continue;
      const elsewhere = new Set(of.values());
      const free = Array.from({ length: count }, (_, i) => i).filter((i) => !here.has(i));
      const place = free.find((i) => !elsewhere.has(i)) ?? free[0] ?? names.indexOf(name) % count;
      take(name, place);
      if (!of.has(name)) of.set(name, place);
    }
    return names.map((name) => places.get(name) ?? 0);
  };
}

/** The colours of the page that a chart is on. */
export const NameColors = createContext<PlacesOf>((_, names) => names.map((_name, i) => i));
