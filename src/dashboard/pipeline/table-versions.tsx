import { type ReactNode, useState } from 'react';
import type { DiffShape, VersionList } from '../../core/contract/pipeline-table.ts';
import { useResource } from '../data/resource.ts';
import { Empty } from '../shell/states.tsx';
import { momentText, numberText } from './format.ts';
import { Card, Loaded, RunLink, Table } from './parts.tsx';
import { Reason } from './reason.tsx';
import { usePipelineWords } from './words.ts';

/** The versions of a table, and what differs between two that releases have. */
export function Versions({ address }: { readonly address: string }): ReactNode {
  const { say, language } = usePipelineWords();
  const found = useResource<VersionList>(`${address}/versions?limit=50`, { runs: true });
  const number = true;
  return (
    <Card title={say.versions}>
      <Loaded of={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title={say.no_balance} />
          ) : (
            <>
              <Table
                label={say.versions}
                columns={[
                  { title: say.version, number },
                  { title: say.ended },
                  { title: say.run },
                  { title: say.rows_out, number },
                  { title: say.release },
                  { title: say.reason },
                ]}
                rows={data.map((one) => ({
                  key: `${one.version} ${one.run_id}`,
                  cells: [
                    one.version,
                    momentText(one.finished_at, language),
                    <RunLink key="run" id={one.run_id} />,
                    numberText(one.balance?.rows_out ?? null, language),
                    one.release_id ?? '–',
                    <Reason key="reason" text={one.reason} />,
                  ],
                }))}
              />
              <Compare address={address} versions={data} />
            </>
          )
        }
      </Loaded>
    </Card>
  );
}

function Compare(props: { readonly address: string; readonly versions: VersionList['data'] }): ReactNode {
  const { say } = usePipelineWords();
  const released = props.versions.flatMap(({ release_id, version }) =>
    release_id === null ? [] : [{ release_id, version }],
  );
  const [newest, before] = released;
  const [from, setFrom] = useState<string | undefined>();
  const [to, setTo] = useState<string | undefined>();
  const [asked, setAsked] = useState<string | null>(null);
  const found = useResource<DiffShape>(asked);
  if (newest === undefined || before === undefined) return <p className="quiet small stacked">{say.one_release}</p>;
  const choice = (label: string, value: string, choose: (one: string) => void): ReactNode => (
    <label className="filter">
      <span className="filter-label">{label}</span>
      <select value={value} onChange={({ target }) => choose(target.value)}>
        {released.map(({ release_id, version }) => (
          <option key={release_id} value={release_id}>
            {version} · {release_id.slice(0, 12)}
          </option>
        ))}
      </select>
    </label>
  );
  const [a, b] = [from ?? before.release_id, to ?? newest.release_id];
  return (
    <>
      <div className="filters stacked">
        {choice(say.compare_from, a, setFrom)}
        {choice(say.compare_to, b, setTo)}
        <button type="button" className="button" onClick={() => setAsked(`${props.address}/diff?from=${a}&to=${b}`)}>
          {say.compare}
        </button>
      </div>
      {asked !== null && <Loaded of={found}>{(diff) => <Difference diff={diff} />}</Loaded>}
    </>
  );
}

function Difference({ diff }: { readonly diff: DiffShape }): ReactNode {
  const { say, language } = usePipelineWords();
  const counts = [
    [say.added, diff.rows_added],
    [say.removed, diff.rows_removed],
    [say.changed, diff.rows_changed],
  ] as const;
  const columns = [...new Set((diff.samples ?? []).flatMap(({ row }) => Object.keys(row)))];
  if (counts.every(([, rows]) => rows === 0)) return <p role="status">{say.no_difference}</p>;
  return (
    <div className="stacked">
      <p role="status">{counts.map(([word, rows]) => `${numberText(rows, language)} ${word}`).join(', ')}</p>
      {diff.columns_changed.length > 0 && (
        <p className="quiet small">
          {say.changed_columns}:{' '}
          {diff.columns_changed.map(({ column, rows }) => `${column} (${numberText(rows, language)})`).join(', ')}
        </p>
      )}
      {diff.samples !== null && diff.samples.length > 0 && (
        <Table
          label={say.differences}
          columns={[{ title: '±' }, ...columns.map((title) => ({ title }))]}
          rows={diff.samples.map(({ kind, row }, i) => ({
            key: String(i),
            cells: [<strong key="kind">{say[kind]}</strong>, ...columns.map((column) => row[column] ?? '')],
          }))}
        />
      )}
    </div>
  );
}
