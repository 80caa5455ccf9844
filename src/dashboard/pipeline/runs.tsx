import { type ReactNode, useMemo } from 'react';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import type { RunList, RunShape } from '../../core/contract/pipeline.ts';
import { Chart } from '../chart/chart.tsx';
import { useResource } from '../data/resource.ts';
import { goTo, usePlace } from '../route/location.ts';
import type { SectionViewProps } from '../section-view.ts';
import { Empty } from '../shell/states.tsx';
import { durationText, momentText, moneyText, numberText } from './format.ts';
import { Actions } from './operator.tsx';
import { Card, Loaded, PipelinePage, RunLink, State, Table } from './parts.tsx';
import { usePipelineWords } from './words.ts';

const WORDS = ['running', 'succeeded', 'failed', 'partial', 'interrupted'];

/** Runs over time. */
export function Runs({ dashboard }: SectionViewProps): ReactNode {
  const { say } = usePipelineWords();
  const { path, query } = usePlace();
  const [status, before] = [query.get('status') ?? '', query.get('before')];
  const chosen = { ...(status && { status }), ...(before !== null && { before }) };
  const asked = new URLSearchParams({ limit: '50', ...chosen });
  const found = useResource<RunList>(`/api/v1/pipeline/runs?${asked}`, { runs: true });
  const choose = (status: string, before?: string): void => {
    const next = new URLSearchParams({ ...(status && { status }), ...(before !== undefined && { before }) }).toString();
    goTo(next === '' ? path : `${path}?${next}`);
  };
  const filter = (
    <label className="filter">
      <span className="filter-label">{say.status}</span>
      <select value={status} onChange={({ target }) => choose(target.value)}>
        <option value="">{say.all}</option>
        {WORDS.map((word) => (
          <option key={word} value={word}>
            {say.states[word]}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <PipelinePage title={say.runs} tools={filter}>
      <Loaded of={found}>
        {({ data, next }) =>
          data.length === 0 ? (
            <Empty
              title={status === '' ? say.no_runs : say.none_such}
              hint={status === '' ? say.no_runs_hint : undefined}
            />
          ) : (
            <div className="grid">
              <Card title={say.durations}>
                <Durations runs={data} />
              </Card>
              <Card title={say.runs}>
                <RunTable runs={data} />
                {next !== null && (
                  <div className="pager">
                    <span />
                    <button type="button" className="button button-small" onClick={() => choose(status, next)}>
                      {say.older}
                    </button>
                  </div>
                )}
              </Card>
              {dashboard.reader.operator && <Actions />}
            </div>
          )
        }
      </Loaded>
    </PipelinePage>
  );
}

function RunTable({ runs }: { readonly runs: readonly RunShape[] }): ReactNode {
  const { say, language } = usePipelineWords();
  const number = true;
  return (
    <Table
      label={say.runs}
      columns={[
        { title: say.started },
        { title: say.status },
        { title: say.duration, number },
        { title: say.rows_in, number },
        { title: say.rows_out, number },
        { title: say.quarantined, number },
        { title: say.money, number },
        { title: say.command },
      ]}
      rows={runs.map((run) => ({
        key: run.run_id,
        cells: [
          <RunLink key="run" id={run.run_id}>
            {momentText(run.started_at, language)}
          </RunLink>,
          <State key="state" of={run.status} />,
          durationText(run.wall_ms, language),
          numberText(run.rows_in, language),
          numberText(run.rows_out, language),
          numberText(run.rows_quarantined, language),
          moneyText(run.money, run.currency, language),
          <code key="command">{run.command ?? ''}</code>,
        ],
      }))}
    />
  );
}

const NO_RELEASE = { release_id: '', created_at: '' };

/** Oldest first, as time goes. */
function Durations({ runs }: { readonly runs: readonly RunShape[] }): ReactNode {
  const { say, language } = usePipelineWords();
  const widget: WidgetShape = useMemo(
    () => ({
      id: 'durations',
      kind: 'bar',
      title: say.durations,
      width: 12,
      format: '#,##0.0',
      x: 'run',
      y: ['seconds'],
      filters: [],
    }),
    [say],
  );
  const rows: WidgetRows = useMemo(
    () => ({
      release: NO_RELEASE,
      columns: [
        { name: 'run', type: 'varchar' },
        { name: 'seconds', type: 'double' },
      ],
      rows: runs
        .filter(({ wall_ms }) => wall_ms !== null)
        .map(({ started_at, wall_ms }) => [momentText(started_at, language), Math.round((wall_ms ?? 0) / 10) / 100])
        .reverse(),
      truncated: false,
    }),
    [runs, language],
  );
  return (
    <div className="chart-frame durations">
      <Chart widget={widget} rows={rows} />
    </div>
  );
}
