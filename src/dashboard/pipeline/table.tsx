import type { ReactNode } from 'react';
import type { SampleShape, TableShape } from '../../core/contract/pipeline-table.ts';
import { useResource } from '../data/resource.ts';
import type { SectionViewProps } from '../section-view.ts';
import { Empty } from '../shell/states.tsx';
import { Said } from '../words/said.tsx';
import { useWords } from '../words/use-words.tsx';
import { Balance } from './balance.tsx';
import { numberText, sizeText } from './format.ts';
import { Act, Actions } from './operator.tsx';
import { Ago, Card, Facts, Loaded, PipelinePage, RunLink, State, Table, TableLink } from './parts.tsx';
import { Reason } from './reason.tsx';
import { Lineage } from './table-lineage.tsx';
import { Rejected } from './table-rejected.tsx';
import { Versions } from './table-versions.tsx';
import { usePipelineWords } from './words.ts';

/** All that is known of one table. */
export function TablePage({ params, dashboard }: SectionViewProps): ReactNode {
  const { say } = usePipelineWords();
  const key = `${params['layer']}.${params['table']}`;
  const address = `/api/v1/pipeline/tables/${encodeURIComponent(params['layer'] ?? '')}/${encodeURIComponent(params['table'] ?? '')}`;
  const found = useResource<TableShape>(address, { runs: true });
  const { operator } = dashboard.reader;
  const tools = operator && (found.data?.quarantined ?? 0) > 0 && (
    <Act
      label={say.replay}
      path={`/tables/${key.replace('.', '/')}/replay`}
      command={`dataflow quarantine replay ${key}`}
    />
  );
  return (
    <PipelinePage title={key} tools={tools}>
      <Loaded of={found}>
        {(table) => (
          <div className="grid">
            <Summary table={table} />
            <BalanceCard table={table} />
            <Columns table={table} />
            <Checks table={table} />
            <Sample address={table.rows_served ? `${address}/sample?limit=20` : null} />
            {table.layer !== 'gold' && <Rejected address={`${address}/quarantine?limit=50`} />}
            <Versions address={address} />
            <Lineage address={`${address}/lineage`} />
            {operator && <Actions />}
          </div>
        )}
      </Loaded>
    </PipelinePage>
  );
}

function Summary({ table }: { readonly table: TableShape }): ReactNode {
  const { say, language } = usePipelineWords();
  const links = (tables: readonly string[]): ReactNode =>
    tables.length === 0
      ? '–'
      : tables.map((one) => (
          <span key={one} className="linked">
            <TableLink to={one} />
          </span>
        ));
  return (
    <Card title={say.table} hint={table.description ?? undefined}>
      <Facts
        facts={[
          [say.state, <State key="state" of={table.state} />],
          [say.version, numberText(table.version, language)],
          [say.rows, numberText(table.rows, language)],
          [say.size, sizeText(table.size_bytes, language)],
          [say.quarantined, numberText(table.quarantined, language)],
          [say.ended, <Ago key="at" at={table.finished_at} />],
          [say.key, table.key.join(', ') || '–'],
          [say.partitioned, table.partition_by.join(', ') || '–'],
          [say.reads, links(table.parents)],
          [say.read_by, links(table.children)],
          ...(table.error === null ? [[say.reason, <Reason key="reason" text={table.reason} />] as const] : []),
        ]}
      />
      {table.error !== null && (
        <p className="trouble">
          <Said text={table.error} />
        </p>
      )}
    </Card>
  );
}

function BalanceCard({ table: { balance, balance_run_id } }: { readonly table: TableShape }): ReactNode {
  const { say } = usePipelineWords();
  return (
    <Card title={say.balance} tools={balance_run_id === null ? undefined : <RunLink id={balance_run_id} />}>
      {balance === null ? (
        <Empty title={say.no_balance} />
      ) : (
        <>
          <p className="quiet small">{say.balance_of}</p>
          <Balance balance={balance} />
        </>
      )}
    </Card>
  );
}

function Columns({ table }: { readonly table: TableShape }): ReactNode {
  const { say } = usePipelineWords();
  const { words } = useWords();
  return (
    <Card title={say.columns}>
      <Table
        label={say.columns}
        columns={[{ title: say.column }, { title: say.type }, { title: say.nullable }]}
        rows={table.columns.map(({ name, type, nullable }) => ({
          key: name,
          cells: [<code key="name">{name}</code>, type, nullable ? words.yes : words.no],
        }))}
      />
    </Card>
  );
}

function Checks({ table: { checks } }: { readonly table: TableShape }): ReactNode {
  const { say, language } = usePipelineWords();
  const resultText = ({ result, quarantined }: TableShape['checks'][number]): ReactNode => {
    if (result === null) return quarantined === null ? say.not_run : '';
    if (result.passed) return <span className="badge badge-good">{say.passed}</span>;
    return (
      <span>
        <span className="badge badge-bad">{say.broken(numberText(result.failures, language))}</span>{' '}
        <Said text={result.message} />
      </span>
    );
  };
  return (
    <Card title={say.checks}>
      {checks.length === 0 ? (
        <Empty title={say.no_checks} />
      ) : (
        <Table
          label={say.checks}
          columns={[
            { title: say.check },
            { title: say.kind },
            { title: say.severity },
            { title: say.quarantined, number: true },
            { title: say.result },
          ]}
          rows={checks.map((one, i) => ({
            key: `${i} ${one.name}`,
            cells: [
              <code key="name">{one.name}</code>,
              one.kind === 'rule' ? say.rule : say.test,
              say.severities[one.severity] ?? one.severity,
              numberText(one.quarantined, language),
              resultText(one),
            ],
          }))}
        />
      )}
    </Card>
  );
}

/** @param address null: rows are not given out. */
function Sample({ address }: { readonly address: string | null }): ReactNode {
  const { say } = usePipelineWords();
  const found = useResource<SampleShape>(address);
  return (
    <Card title={say.sample}>
      {address === null ? (
        <Empty title={say.not_served} hint={say.not_served_hint} />
      ) : (
        <Loaded of={found}>
          {({ columns, rows }) =>
            rows.length === 0 ? (
              <Empty />
            ) : (
              <Table
                label={say.sample}
                columns={columns.map(({ name, type }) => ({
                  title: name,
                  number: /int|decimal|double|float/.test(type),
                }))}
                rows={rows.map((cells, i) => ({
                  key: String(i),
                  cells: cells.map((cell) => cell ?? <span className="quiet">NULL</span>),
                }))}
              />
            )
          }
        </Loaded>
      )}
    </Card>
  );
}
