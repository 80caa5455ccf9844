import { type ReactNode, Suspense, useEffect, useRef } from 'react';
import type { DashboardShape, PageShape } from '../../core/contract/dashboard.ts';
import { addressOf } from '../page/address.ts';
import { Page } from '../page/page.tsx';
import { Link } from '../route/link.tsx';
import { goTo, usePlace } from '../route/location.ts';
import { matched } from '../route/match.ts';
import { SECTIONS } from '../sections.ts';
import { useWords } from '../words/use-words.tsx';
import { Empty, PageSkeleton } from './states.tsx';

/** What stands at the address of now. */
export function View({ dashboard }: { readonly dashboard: DashboardShape }): ReactNode {
  const { path } = usePlace();
  const { words } = useWords();
  const first = firstAddress(dashboard);
  useEffect(() => {
    if (path === '/' && first !== undefined) goTo(first + window.location.search, { replace: true });
  }, [path, first]);
  useFocusOnPage(path);

  if (path === '/')
    return first === undefined ? <Empty title={words.no_pages} hint={words.no_pages_hint} /> : <PageSkeleton />;
  const page = pageAt(dashboard, path);
  if (page !== undefined) return <Page key={page.id} page={page} released={dashboard.release !== null} />;
  for (const { pattern, view: Shown } of SECTIONS.flatMap((section) => section.views)) {
    const params = matched(pattern, path);
    if (params !== undefined)
      return (
        <Suspense fallback={<PageSkeleton />}>
          <Shown params={params} dashboard={dashboard} />
        </Suspense>
      );
  }
  return (
    <div className="state state-page">
      <h1 className="state-title">{words.page_unknown}</h1>
      <p className="quiet">{words.page_unknown_hint}</p>
      <Link to="/" className="button">
        {words.to_first_page}
      </Link>
    </div>
  );
}

function firstAddress({ pages }: DashboardShape): string | undefined {
  const page = pages[0];
  return page === undefined ? SECTIONS[0]?.path : addressOf(page);
}

function pageAt({ pages }: DashboardShape, path: string): PageShape | undefined {
  const id = matched('/d/{id}', path)?.['id'];
  return pages.find((page) => page.id === id);
}

/** Who reads with the keyboard or a screen reader begins at the top of a page that was gone to, but not of the one that was opened first. */
function useFocusOnPage(path: string): void {
  const before = useRef<string | undefined>(undefined);
  useEffect(() => {
    const moved = before.current !== undefined && before.current !== '/' && before.current !== path;
    before.current = path;
    if (!moved) return;
    window.scrollTo(0, 0);
    document.getElementById('main')?.focus({ preventScroll: true });
  }, [path]);
}
