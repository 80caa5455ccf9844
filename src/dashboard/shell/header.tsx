import { type ReactNode, useEffect, useState } from 'react';
import type { DashboardShape, ReleaseShape } from '../../core/contract/dashboard.ts';
import { useLive } from '../data/live.tsx';
import { signOut } from '../data/session.ts';
import { keptToken } from '../data/token.ts';
import { ageOf, formattedInstant } from '../format/time.ts';
import { Link } from '../route/link.tsx';
import { useWords } from '../words/use-words.tsx';
import { LanguageSwitch, ThemeSwitch } from './switches.tsx';
import { useNow } from './use-now.ts';

/** Title, the release that is shown and its age, and what a reader sets for himself. */
export function Header(props: {
  readonly dashboard: DashboardShape | undefined;
  readonly release: ReleaseShape | null;
}): ReactNode {
  const { words } = useWords();
  const { dashboard, release } = props;
  return (
    <header className="header">
      <Link to="/" className="title">
        {dashboard?.title ?? '\u00a0'}
      </Link>
      {dashboard === undefined ? <p className="release">&nbsp;</p> : <ReleaseAge release={release} />}
      <div className="switches">
        <LanguageSwitch />
        <ThemeSwitch />
        {keptToken() !== null && (
          <button type="button" className="button button-quiet" onClick={signOut}>
            {words.sign_out}
          </button>
        )}
      </div>
    </header>
  );
}

function ReleaseAge({ release }: { readonly release: ReleaseShape | null }): ReactNode {
  const { words, language } = useWords();
  const { connected } = useLive();
  const now_ms = useNow();
  const news = useNews(release);
  return (
    <p className="release">
      <span className={connected ? 'dot dot-live' : 'dot'} aria-hidden="true" />
      {release === null ? (
        words.no_release
      ) : (
        <time
          dateTime={release.created_at}
          title={`${release.release_id} · ${formattedInstant(release.created_at, language)}`}
        >
          {words.release_of(ageOf(release.created_at, now_ms, language))}
        </time>
      )}
      <span className="quiet">{connected ? words.connected : words.reconnecting}</span>
      <span className="unseen" role="status">
        {news ? words.new_release : ''}
      </span>
    </p>
  );
}

/** Whether another release came since the page was opened, to be said to those who do not see the figures change. */
function useNews(release: ReleaseShape | null): boolean {
  const [first, setFirst] = useState<string | null>(null);
  const id = release?.release_id ?? null;
  useEffect(() => {
    if (first === null) setFirst(id);
  }, [first, id]);
  return first !== null && id !== first;
}
