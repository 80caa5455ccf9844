import { type RefObject, useEffect, useState } from 'react';
import type { WidgetKind } from '../../core/contract/dashboard.ts';
import { type ChartTools, loadTools } from './load.ts';

const NEAR = '100px';

/** How wide and high a place is, and whether it was near the view once. */
export function useBox(place: RefObject<HTMLElement | null>): { seen: boolean; width: number; height: number } {
  const [seen, setSeen] = useState(false);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const view = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
      },
      { rootMargin: NEAR },
    );
    const box = new ResizeObserver(() =>
      setSize((before) => {
        const { clientWidth: width, clientHeight: height } = element;
        return before.width === width && before.height === height ? before : { width, height };
      }),
    );
    view.observe(element);
    box.observe(element);
    return () => {
      view.disconnect();
      box.disconnect();
    };
  }, [place]);
  return { seen, ...size };
}

/** What a kind is drawn with, once it was asked for. A part of the program that cannot be loaded is thrown to the nearest boundary. */
export function useTools(kind: WidgetKind, wanted: boolean): ChartTools | undefined {
  const [loaded, setLoaded] = useState<ChartTools | undefined>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!wanted) return;
    let left = false;
    const later = whenIdle(() =>
      loadTools(kind).then(
        (tools) => {
          if (!left) setLoaded(tools);
        },
        (reason: unknown) => setError(reason),
      ),
    );
    return () => {
      left = true;
      later();
    };
  }, [kind, wanted]);
  if (error !== undefined) throw error;
  return loaded;
}

const IDLE_MS_MAX = 500;

/** Figures and texts come first. Safari knows no idle time. @returns how to leave it. */
function whenIdle(work: () => unknown): () => void {
  if (typeof requestIdleCallback === 'undefined') {
    const timer = setTimeout(work);
    return () => clearTimeout(timer);
  }
  const task = requestIdleCallback(work, { timeout: IDLE_MS_MAX });
  return () => cancelIdleCallback(task);
}
