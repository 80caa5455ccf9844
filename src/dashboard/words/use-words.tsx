import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { EN, type Words } from './en.ts';
import { FR } from './fr.ts';

export type Language = 'en' | 'fr';
const ALL: Readonly<Record<Language, Words>> = { en: EN, fr: FR };
const KEY = 'dataflow.language';

interface Speech {
  readonly language: Language;
  readonly words: Words;
  choose(language: Language): void;
  /** What the project wishes for; whoever chose for himself keeps his choice. */
  suggest(language: Language | undefined): void;
}

const Context = createContext<Speech>({ language: 'en', words: EN, choose: () => {}, suggest: () => {} });

/** What is said, in the language of the reader. */
export function useWords(): Speech {
  return useContext(Context);
}

export function Speaking({ children }: { readonly children: ReactNode }): ReactNode {
  const [chosen, setChosen] = useState(() => languageOf(localStorage.getItem(KEY)));
  const [suggested, suggest] = useState<Language | undefined>();
  const language = chosen ?? suggested ?? preferred();
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speech = useMemo(
    () => ({
      language,
      words: ALL[language],
      suggest,
      choose: (one: Language) => {
        localStorage.setItem(KEY, one);
        setChosen(one);
      },
    }),
    [language],
  );
  return <Context.Provider value={speech}>{children}</Context.Provider>;
}

function preferred(): Language {
  return navigator.languages.map((one) => languageOf(one.slice(0, 2))).find((one) => one !== undefined) ?? 'en';
}

function languageOf(text: string | null): Language | undefined {
  return text === 'en' || text === 'fr' ? text : undefined;
}
