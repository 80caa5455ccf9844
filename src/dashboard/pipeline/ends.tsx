import type { ReactNode } from 'react';
import type { DestinationList, SourceList } from '../../core/contract/pipeline.ts';
import { useResource } from '../data/resource.ts';
import { Empty } from '../shell/states.tsx';
import { durationText, numberText } from './format.ts';
import { Ago, Card, Loaded, PipelinePage, State, Table, TableLink } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** Where rows come from and where they go to: when something came, and how far behind destinations are. */
export function Ends(): ReactNode {
  const { say } = usePipelineWords();
  return (
    <PipelinePage title={say.ends}>
      <div className="grid">
        <Sources />
        <Destinations />
      </div>
    </PipelinePage>
  );
}

function Sources(): ReactNode {
  const { say, language } = usePipelineWords();
  const found = useResource<SourceList>('/api/v1/pipeline/sources', { runs: true });
  const number = true;
  return (
    <Card title={say.sources}>
      <Loaded of={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title={say.no_sources} />
          ) : (
            <Table
              label={say.sources}
              columns={[
                { title: say.source },
                { title: say.type },
                { title: say.looked },
                { title: say.state },
                { title: say.fresh },
                { title: say.rows, number },
                { title: say.units, number },
                { title: say.refused, number },
                { title: say.table },
              ]}
              rows={data.map((one) => ({
                key: one.source,
                cells: [
                  <span key="source" title={one.description ?? undefined}>
                    {one.source}
                  </span>,
                  one.type,
                  <Ago key="looked" at={one.looked_at} />,
                  <State key="state" of={one.status ?? 'new'} />,
                  <Ago key="fresh" at={one.fresh_at} />,
                  numberText(one.rows_last, language),
                  numberText(one.units_loaded, language),
                  numberText(one.units_refused, language),
                  <TableLink key="table" to={one.table} />,
                ],
              }))}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

function Destinations(): ReactNode {
  const { say, language } = usePipelineWords();
  const found = useResource<DestinationList>('/api/v1/pipeline/destinations', { runs: true });
  const number = true;
  return (
    <Card title={say.destinations}>
      <Loaded of={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title={say.no_destinations} />
          ) : (
            <Table
              label={say.destinations}
              columns={[
                { title: say.destination },
                { title: say.kind },
                { title: say.state },
                { title: say.lag, number },
                { title: say.refresh, number },
                { title: say.rows, number },
                { title: say.holds },
                { title: say.at },
                { title: say.place },
              ]}
              rows={data.map((one) => ({
                key: `${one.kind} ${one.name}`,
                cells: [
                  one.name,
                  say.kinds[one.kind],
                  <State key="state" of={one.state} />,
                  durationText(one.lag_ms === 0 ? null : one.lag_ms, language),
                  durationText(one.refresh_ms, language),
                  numberText(one.rows, language),
                  one.holds ?? '–',
                  <Ago key="at" at={one.at} />,
                  one.place ?? '–',
                ],
              }))}
            />
          )
        }
      </Loaded>
    </Card>
  );
}
