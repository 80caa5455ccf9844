import type { ReactNode } from 'react';
import type { ReleaseShape, WidgetShape } from '../../core/contract/dashboard.ts';
import { useLive } from '../data/live.tsx';
import { ageOf } from '../format/time.ts';
import { useNow } from '../shell/use-now.ts';
import { useWords } from '../words/use-words.tsx';

/** Title and description of a widget, and what can be done with it. */
export function WidgetHead(props: {
  readonly widget: WidgetShape;
  readonly title_id: string;
  readonly children?: ReactNode;
}): ReactNode {
  const { title, description } = props.widget;
  return (
    <div className="card-head">
      <div>
        <h2 id={props.title_id}>{title}</h2>
        {description !== undefined && <p className="quiet small">{description}</p>}
      </div>
      {props.children !== undefined && <div className="card-tools">{props.children}</div>}
    </div>
  );
}

/** Said when a widget shows another release than the page's head names. */
export function OtherRelease({ release }: { readonly release: ReleaseShape | undefined }): ReactNode {
  const { words, language } = useWords();
  const { shown } = useLive();
  const now_ms = useNow();
  if (release === undefined || shown === null || release.release_id === shown.release_id) return null;
  return <p className="note small">{words.other_release(ageOf(release.created_at, now_ms, language))}</p>;
}
