import { type KeyboardEvent, type ReactNode, useContext, useEffect, useId, useMemo, useRef, useState } from 'react';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import { PALETTES } from '../theme/palette.ts';
import { useTheme } from '../theme/theme.ts';
import { useWords } from '../words/use-words.tsx';
import type { Canvas } from './canvas.ts';
import { HEIGHT } from './common.ts';
import type { Mark } from './drawing.ts';
import { movedMark, type Place } from './keys.ts';
import { NameColors } from './name-colors.ts';
import { useBox, useTools } from './use-drawn.ts';

/** A chart: drawn once it comes into view, in the size of its place, read with the arrow keys. */
export function Chart({ widget, rows }: { readonly widget: WidgetShape; readonly rows: WidgetRows }): ReactNode {
  const { words, language } = useWords();
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<Canvas | undefined>(undefined);
  const palette = PALETTES[useTheme()];
  const placesOf = useContext(NameColors);
  const { seen, width, height } = useBox(place);
  const tools = useTools(widget.kind, seen);
  const drawing = useMemo(
    () => (width === 0 ? undefined : tools?.draw(widget, rows, { palette, language, words, width, placesOf })),
    [tools, widget, rows, palette, language, words, width, placesOf],
  );

  useEffect(() => {
    if (drawing === undefined || tools === undefined) return;
    // In a task of its own, so that a page of many charts answers in between.
    const task = setTimeout(() => {
      if (place.current === null) return;
      canvas.current ??= tools.newCanvas(place.current);
      canvas.current.draw(drawing);
    });
    return () => clearTimeout(task);
  }, [drawing, tools]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place that changed is filled
  useEffect(() => canvas.current?.resize(), [width, height]);
  useEffect(
    () => () => {
      canvas.current?.remove();
      canvas.current = undefined;
    },
    [],
  );
  return (
    <Reader
      title={widget.title}
      kind={widget.kind}
      marks={drawing?.marks ?? []}
      point={(mark) => canvas.current?.point(mark)}
    >
      <div className="chart" style={{ minHeight: drawing?.height ?? HEIGHT }}>
        <div className="chart-canvas" ref={place} />
      </div>
    </Reader>
  );
}

/** Makes what is drawn readable: a name, and marks that the arrow keys walk over and a screen reader hears. */
function Reader(props: {
  readonly title: string;
  readonly kind: WidgetShape['kind'];
  readonly marks: readonly (readonly Mark[])[];
  point(mark: Mark | undefined): void;
  readonly children: ReactNode;
}): ReactNode {
  const { words } = useWords();
  const help = useId();
  const [at, setAt] = useState<Place | undefined>();
  const kinds: Readonly<Record<string, string>> = words.kinds;
  const pressed = (event: KeyboardEvent): void => {
    const next = movedMark(props.marks, at, event.key);
    if (next === 'other') return;
    event.preventDefault();
    setAt(next);
    props.point(next === undefined ? undefined : props.marks[next.row]?.[next.column]);
  };
  return (
    <>
      <div
        className="chart-place"
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its values are read with the arrow keys
        tabIndex={0}
        aria-label={words.chart_of(props.title, kinds[props.kind] ?? '')}
        aria-describedby={help}
        onKeyDown={pressed}
        onBlur={() => {
          setAt(undefined);
          props.point(undefined);
        }}
      >
        {props.children}
      </div>
      <p className="unseen" id={help}>
        {words.chart_help}
      </p>
      <p className="unseen" role="status">
        {at === undefined ? '' : props.marks[at.row]?.[at.column]?.text}
      </p>
    </>
  );
}
