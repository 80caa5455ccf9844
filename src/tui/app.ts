import { Box, type Key as InkKey, Text, useInput } from 'ink';
import { createElement, memo, type ReactElement, useSyncExternalStore } from 'react';
import type { Key } from './press.ts';
import type { Screen } from './screen.ts';

/** The screen as Ink draws it: one text a line, of which only those that changed are sent. */
export function App(props: { readonly screen: Screen; readonly onKey: (key: Key) => void }): ReactElement {
  const lines = useSyncExternalStore(props.screen.subscribe, props.screen.lines);
  useInput((input, key) => {
    for (const one of keysOf(input, key)) props.onKey(one);
  });
  return createElement(Box, { flexDirection: 'column' }, ...lines.map(lineAt));
}

/** A line has no identity but its place. */
function lineAt(text: string, place: number): ReactElement {
  return createElement(ScreenLine, { key: place, text });
}

const ScreenLine = memo(({ text }: { readonly text: string }) => createElement(Text, { wrap: 'truncate' }, text));

const NAMES: readonly (readonly [keyof InkKey, Key['name']])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['tab', 'tab'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
];

/** Keys that were pressed fast come together. */
function keysOf(input: string, key: InkKey): readonly Key[] {
  if (key.ctrl) return input === 'c' ? [{ sign: 'q' }] : [];
  const name = NAMES.find(([flag]) => key[flag] === true)?.[1];
  if (name !== undefined) return [{ name }];
  return [...input].flatMap((sign): Key[] => {
    if (sign === '\r' || sign === '\n') return [{ name: 'enter' }];
    return sign >= ' ' && sign !== '\u007f' ? [{ sign }] : [];
  });
}
