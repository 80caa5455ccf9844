import { type ReactNode, useEffect, useMemo } from 'react';
import type { PageShape } from '../../core/contract/dashboard.ts';
import { FilterBar } from '../filters/filter-bar.tsx';
import { readFilters } from '../filters/url-state.ts';
import { usePlace } from '../route/location.ts';
import { Empty } from '../shell/states.tsx';
import { Widget } from '../widgets/widget.tsx';
import { useWords } from '../words/use-words.tsx';

/** A declared page: its filters, and its widgets on a grid of twelve columns. */
export function Page({ page, released }: { readonly page: PageShape; readonly released: boolean }): ReactNode {
  const { words } = useWords();
  const { query } = usePlace();
  const asked = query.toString();
  const state = useMemo(() => readFilters(page.filters, new URLSearchParams(asked)), [page, asked]);
  usePageTitle(page.title);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{page.title}</h1>
          {page.description !== undefined && <p className="quiet">{page.description}</p>}
        </div>
        {released && <FilterBar page={page} state={state} />}
      </div>
      {released ? (
        <div className="grid">
          {page.widgets.map((widget) => (
            <Widget key={widget.id} page={page} widget={widget} state={state} />
          ))}
        </div>
      ) : (
        <Empty title={words.no_release} hint={words.no_release_hint} />
      )}
    </>
  );
}

/** What the tab and the history of the browser say. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}
