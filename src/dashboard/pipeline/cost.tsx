import { type ReactNode, useMemo } from 'react';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import type { ReceiptList } from '../../core/contract/pipeline.ts';
import { Chart } from '../chart/chart.tsx';
import { useResource } from '../data/resource.ts';
import { Empty } from '../shell/states.tsx';
import { durationText, momentText, moneyText, numberText, sizeText } from './format.ts';
import { Card, Loaded, PipelinePage, RunLink, State, Table } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** What runs took and used over time. */
export function Cost(): ReactNode {
  const { say } = usePipelineWords();
  const found = useResource<ReceiptList>('/api/v1/pipeline/receipts?limit=100', { runs: true });
  return (
    <PipelinePage title={say.cost}>
      <Loaded of={found}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title={say.no_receipts} hint={say.no_receipts_hint} />
          ) : (
            <div className="grid">
              <Course receipts={data} />
              <Receipts receipts={data} />
            </div>
          )
        }
      </Loaded>
    </PipelinePage>
  );
}

/** Less than this an axis cannot tell from nothing. */
const MONEY_MIN = 0.2;

/** Money where there is a price and it comes to something, otherwise CPU time. */
function Course({ receipts }: { readonly receipts: ReceiptList['data'] }): ReactNode {
  const { say, language } = usePipelineWords();
  const priced = receipts.some(({ money }) => (money ?? 0) >= MONEY_MIN);
  const currency = receipts.find((one) => one.currency !== null)?.currency ?? '';
  const title = priced ? `${say.money} (${currency})` : `${say.cpu} (s)`;
  const widget: WidgetShape = useMemo(
    () => ({ id: 'cost', kind: 'line', title, width: 12, x: 'run', y: ['used'], filters: [] }),
    [title],
  );
  const rows: WidgetRows = useMemo(
    () => ({
      release: { release_id: '', created_at: '' },
      columns: [
        { name: 'run', type: 'varchar' },
        { name: 'used', type: 'double' },
      ],
      rows: receipts
        .map(({ started_at, money, cpu_ms }) => [momentText(started_at, language), priced ? money : cpu_ms / 1000])
        .reverse(),
      truncated: false,
    }),
    [receipts, language, priced],
  );
  return (
    <Card title={title}>
      <div className="chart-frame durations">
        <Chart widget={widget} rows={rows} />
      </div>
    </Card>
  );
}

function Receipts({ receipts }: { readonly receipts: ReceiptList['data'] }): ReactNode {
  const { say, language } = usePipelineWords();
  const number = true;
  return (
    <Card title={say.receipts}>
      <Table
        label={say.receipts}
        columns={[
          { title: say.started },
          { title: say.status },
          { title: say.duration, number },
          { title: say.cpu, number },
          { title: say.memory, number },
          { title: say.read, number },
          { title: say.written, number },
          { title: say.rate, number },
          { title: say.money, number },
          { title: say.over_budget },
        ]}
        rows={receipts.map((one) => ({
          key: one.run_id,
          cells: [
            <RunLink key="run" id={one.run_id}>
              {momentText(one.started_at, language)}
            </RunLink>,
            <State key="state" of={one.status} />,
            durationText(one.wall_ms, language),
            durationText(one.cpu_ms, language),
            sizeText(one.peak_memory_bytes, language),
            sizeText(one.bytes_in, language),
            sizeText(one.bytes_out, language),
            numberText(one.rows_per_second, language),
            moneyText(one.money, one.currency, language),
            one.over_budget.map(({ limit }) => limit).join(', ') || '–',
          ],
        }))}
      />
    </Card>
  );
}
