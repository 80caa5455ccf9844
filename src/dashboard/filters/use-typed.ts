import { useEffect, useRef, useState } from 'react';

const PAUSE_MS = 300;

/** A text that somebody types: shown at once, handed on after a pause. What comes from outside (a reset, the back button) replaces it. */
export function useTyped(value: string, done: (text: string) => void): { text: string; type(text: string): void } {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const newest = useRef(done);
  newest.current = done;
  useEffect(() => {
    setText(value);
    return () => clearTimeout(timer.current);
  }, [value]);
  return {
    text,
    type: (typed) => {
      setText(typed);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => newest.current(typed.trim()), PAUSE_MS);
    },
  };
}
