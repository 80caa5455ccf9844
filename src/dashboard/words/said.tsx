import { Fragment, type ReactNode } from 'react';
import { useWords } from './use-words.tsx';

/** What the engine or a source said: it speaks English to everybody, and is marked as that among other words. */
export function Said({ text }: { readonly text: string }): ReactNode {
  const { language } = useWords();
  if (language === 'en') return text;
  return (
    <span lang="en" className="said">
      {text}
    </span>
  );
}

/** Words with names between backticks, as the configuration has them. */
export function Named({ text }: { readonly text: string }): ReactNode {
  return text
    .split('`')
    .map((part, i) => (i % 2 === 1 ? <code key={part}>{part}</code> : <Fragment key={part}>{part}</Fragment>));
}
