import { type ReactNode, useEffect, useRef } from 'react';
import type { DashboardShape } from '../../core/contract/dashboard.ts';
import { addressOf } from '../page/address.ts';
import { Link } from '../route/link.tsx';
import { usePlace } from '../route/location.ts';
import { SECTIONS } from '../sections.ts';
import { useWords } from '../words/use-words.tsx';

/** The pages, beside each other; what does not fit is scrolled to. */
export function Navigation({ dashboard }: { readonly dashboard: DashboardShape | undefined }): ReactNode {
  const { words, language } = useWords();
  const { path } = usePlace();
  const list = useRef<HTMLUListElement>(null);
  const pages = (dashboard?.pages ?? []).map((page) => ({ to: addressOf(page), title: page.title, below: false }));
  const sections = (dashboard === undefined ? [] : SECTIONS).map(({ path: to, title }) => ({
    to,
    title: title[language],
    below: true,
  }));
  // biome-ignore lint/correctness/useExhaustiveDependencies: pages that came just now are there to be scrolled to
  useEffect(() => {
    list.current
      ?.querySelector(`a[href="${CSS.escape(path)}"]`)
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [path, dashboard]);
  return (
    <nav className="navigation" aria-label={words.pages}>
      <ul ref={list}>
        {[...pages, ...sections].map(({ to, title, below }) => {
          const current = path === to || (below && path.startsWith(`${to}/`));
          return (
            <li key={to}>
              <Link to={to} aria-current={current ? 'page' : undefined}>
                {title}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
