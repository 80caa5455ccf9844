import type { ReactNode } from 'react';
import type { AskError } from '../data/client.ts';
import { Named, Said } from '../words/said.tsx';
import { useWords } from '../words/use-words.tsx';

/** What stands in place of figures that could not be had: what happened, what to do, and a way to try again. */
export function Failure(props: {
  readonly error: AskError;
  readonly retry: () => void;
  /** It stands for a whole page. */
  readonly page?: boolean;
}): ReactNode {
  const { words } = useWords();
  const { status, problem } = props.error;
  const title = status === 0 ? words.unreachable : status === 403 ? words.not_allowed : words.failed;
  return (
    <div className={props.page === true ? 'state state-page' : 'state'} role="alert">
      <p className="state-title">{title}</p>
      {status !== 0 && problem !== undefined && (
        <p>
          <Said text={problem.detail} />
        </p>
      )}
      {problem?.hint !== undefined && (
        <p className="quiet">
          <Said text={problem.hint} />
        </p>
      )}
      {problem !== undefined && (
        <p className="quiet small">
          {problem.code} · {words.request_id(problem.request_id)}
        </p>
      )}
      <button type="button" className="button" onClick={props.retry}>
        {words.retry}
      </button>
    </div>
  );
}

export function Empty(props: { readonly title?: string; readonly hint?: string | undefined }): ReactNode {
  const { words } = useWords();
  return (
    <div className="state">
      <p className="state-title">{props.title ?? words.nothing}</p>
      {props.hint !== undefined && (
        <p className="quiet">
          <Named text={props.hint} />
        </p>
      )}
    </div>
  );
}

/** A shape of what will come, of about its size, so that nothing jumps. */
export function Skeleton({ kind }: { readonly kind: 'number' | 'changed-number' | 'chart' | 'rows' }): ReactNode {
  const { words } = useWords();
  return (
    <div className={`skeleton skeleton-${kind}`} role="status">
      <span className="unseen">{words.loading}</span>
    </div>
  );
}

export function PageSkeleton(): ReactNode {
  return (
    <>
      <div className="page-head">
        <h1>&nbsp;</h1>
      </div>
      <div className="grid" aria-busy="true">
        <div className="card span-12">
          <Skeleton kind="chart" />
        </div>
      </div>
    </>
  );
}
