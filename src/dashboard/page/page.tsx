import { type ReactNode, useEffect, useMemo } from 'react';
import type { PageShape } from '../../core/contract/dashboard.ts';
import { NameColors, nameColors } from '../chart/name-colors.ts';
import { FilterBar } from '../filters/filter-bar.tsx';
import { readFilters } from '../filters/url-state.ts';
import { usePlace } from '../route/location.ts';
import { Empty } from '../shell/states.tsx';
import { PALETTES } from '../theme/palette.ts';
import { Widget } from '../widgets/widget.tsx';
import { useWords } from '../words/use-words.tsx';

/** A declared page: its filters, and its widgets on a grid of twelve columns. */
export function Page({ page, released }: { readonly page: PageShape; readonly released: boolean }): ReactNode {
  const { words } = useWords();
  const { query } = usePlace();
  const asked = query.toString();
  const state = useMemo(() => readFilters(page.filters, new URLSearchParams(asked)), [page, asked]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page has colours of its own
  const placesOf = useMemo(() => nameColors(PALETTES.light.series.length), [page.id]);
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
        <NameColors value={placesOf}>
          <div className="grid">
            {page.widgets.map((widget) => (
              <Widget key={widget.id} page={page} widget={widget} state={state} />
            ))}
          </div>
        </NameColors>
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
