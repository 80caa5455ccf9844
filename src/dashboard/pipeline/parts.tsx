import { Fragment, type ReactNode, useState } from 'react';
import type { Resource } from '../data/resource.ts';
import { ageOf } from '../format/time.ts';
import { Link } from '../route/link.tsx';
import { usePlace } from '../route/location.ts';
import { Failure, Skeleton } from '../shell/states.tsx';
import { useNow } from '../shell/use-now.ts';
import { momentText } from './format.ts';
import { usePipelineWords } from './words.ts';
import './pipeline.css';

/** A page of the pipeline: the way to the others, its title, and what it shows. */
export function PipelinePage(props: {
  readonly title: string;
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  const { say } = usePipelineWords();
  const { path } = usePlace();
  const pages = [
    ['/pipeline', say.runs],
    ['/pipeline/tables', say.tables],
    ['/pipeline/quarantine', say.quarantine],
    ['/pipeline/ends', say.ends],
    ['/pipeline/cost', say.cost],
  ] as const;
  return (
    <div className="pipeline">
      <nav className="tabs" aria-label={say.pipeline}>
        <ul>
          {pages.map(([to, title]) => (
            <li key={to}>
              <Link to={to} aria-current={to === path ? 'page' : undefined}>
                {title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className="pipeline-head">
        <h1>{props.title}</h1>
        <div className="card-tools">{props.tools}</div>
      </div>
      {props.children}
    </div>
  );
}

export function Card(props: {
  readonly title: string;
  readonly hint?: string | undefined;
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className="card span-12">
      <div className="card-head">
        <div>
          <h2>{props.title}</h2>
          {props.hint !== undefined && <p className="quiet small">{props.hint}</p>}
        </div>
        <div className="card-tools">{props.tools}</div>
      </div>
      {props.children}
    </div>
  );
}

/** What was asked for once it is there; before that its shape, or why it could not be had. */
export function Loaded<T>(props: { readonly of: Resource<T>; readonly children: (data: T) => ReactNode }): ReactNode {
  const { data, error, retry } = props.of;
  if (data !== undefined) return props.children(data);
  return error === undefined ? <Skeleton kind="rows" /> : <Failure error={error} retry={retry} />;
}

/** A state in words, with a sign and a colour. */
export function State({ of }: { readonly of: string }): ReactNode {
  const { say } = usePipelineWords();
  return <span className={`badge badge-${toneOf(of)}`}>{say.states[of] ?? of}</span>;
}

export function toneOf(state: string): 'good' | 'bad' | 'busy' | 'warn' | 'calm' {
  if (['succeeded', 'ok', 'current', 'done'].includes(state)) return 'good';
  if (['failed', 'partial'].includes(state)) return 'bad';
  if (state === 'running') return 'busy';
  return ['skipped', 'interrupted', 'behind'].includes(state) ? 'warn' : 'calm';
}

export interface Titled {
  readonly title: string;
  readonly number?: boolean;
}

/** Rows under titles; what is wider than the page is scrolled, also by keyboard. */
export function Table(props: {
  readonly label: string;
  readonly columns: readonly Titled[];
  readonly rows: readonly { readonly key: string; readonly cells: readonly ReactNode[] }[];
}): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable with the keyboard
    <section className="table-place" tabIndex={0} aria-label={props.label}>
      <table>
        <thead>
          <tr>
            {props.columns.map(({ title, number }) => (
              <th key={title} scope="col" className={number === true ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, i) => (
                <td key={props.columns[i]?.title} className={props.columns[i]?.number === true ? 'number' : undefined}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A command to be typed, and a button that copies it. */
export function Command({ text }: { readonly text: string }): ReactNode {
  const { say } = usePipelineWords();
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <span className="command">
      <code>{text}</code>
      <button type="button" className="button button-small" onClick={copy} aria-label={`${say.copy}: ${text}`}>
        {copied ? say.copied : say.copy}
      </button>
      <span className="unseen" role="status">
        {copied ? say.copied : ''}
      </span>
    </span>
  );
}

export function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }): ReactNode {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function TableLink({ to }: { readonly to: string }): ReactNode {
  return (
    <Link to={`/pipeline/tables/${to.replace('.', '/')}`}>
      <TableName name={to} />
    </Link>
  );
}

/** A name that may go on in the next line behind a dot or an underscore. */
export function TableName({ name }: { readonly name: string }): ReactNode {
  let at = 0;
  return name.split(/(?<=[._])/).map((part) => {
    at += part.length;
    return (
      <Fragment key={at}>
        {part}
        <wbr />
      </Fragment>
    );
  });
}

export function RunLink({ id, children }: { readonly id: string; readonly children?: ReactNode }): ReactNode {
  return <Link to={`/pipeline/runs/${id}`}>{children ?? id.slice(0, 12)}</Link>;
}

/** How long ago, with the moment as a title. */
export function Ago({ at }: { readonly at: string | null }): ReactNode {
  const { language } = usePipelineWords();
  const now_ms = useNow();
  if (at === null) return '–';
  return (
    <time dateTime={at} title={momentText(at, language)}>
      {ageOf(at, now_ms, language)}
    </time>
  );
}
