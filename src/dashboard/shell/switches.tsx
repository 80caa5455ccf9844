import type { ReactNode } from 'react';
import { chooseTheme, type ThemeChoice, useThemeChoice } from '../theme/theme.ts';
import { type Language, useWords } from '../words/use-words.tsx';

const LANGUAGES: readonly { readonly value: Language; readonly name: string }[] = [
  { value: 'en', name: 'English' },
  { value: 'fr', name: 'Français' },
];

export function LanguageSwitch(): ReactNode {
  const { words, language, choose } = useWords();
  return (
    <fieldset className="segments">
      <legend className="unseen">{words.language}</legend>
      {LANGUAGES.map(({ value, name }) => (
        <button
          key={value}
          type="button"
          lang={value}
          aria-pressed={language === value}
          aria-label={`${value.toUpperCase()}, ${name}`}
          title={name}
          onClick={() => choose(value)}
        >
          {value.toUpperCase()}
        </button>
      ))}
    </fieldset>
  );
}

/** Drawn on a grid of 16. */
const ICONS: Readonly<Record<ThemeChoice, string>> = {
  auto: 'M2 3h12v8H2zM6 14h4',
  light: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  dark: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
};

export function ThemeSwitch(): ReactNode {
  const { words } = useWords();
  const chosen = useThemeChoice();
  const names: Readonly<Record<ThemeChoice, string>> = {
    auto: words.theme_auto,
    light: words.theme_light,
    dark: words.theme_dark,
  };
  return (
    <fieldset className="segments">
      <legend className="unseen">{words.theme}</legend>
      {(['auto', 'light', 'dark'] as const).map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={chosen === one}
          aria-label={names[one]}
          title={names[one]}
          onClick={() => chooseTheme(one)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d={ICONS[one]} />
          </svg>
        </button>
      ))}
    </fieldset>
  );
}
