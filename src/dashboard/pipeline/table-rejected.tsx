import type { ReactNode } from 'react';
import type { TableQuarantine } from '../../core/contract/pipeline-table.ts';
import { useResource } from '../data/resource.ts';
import { Empty } from '../shell/states.tsx';
import { Named, Said } from '../words/said.tsx';
import { numberText } from './format.ts';
import { Card, Command, Loaded, RunLink, Table } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** Rejected rows of a table with reasons, and what sends them through it again. */
export function Rejected({ address }: { readonly address: string }): ReactNode {
  const { say } = usePipelineWords();
  const found = useResource<TableQuarantine>(address, { runs: true });
  return (
    <Card title={say.rejected}>
      <Loaded of={found}>
        {(table) =>
          table.rows === 0 ? (
            <Empty title={say.nothing_rejected} />
          ) : (
            <>
              <p className="stacked">
                <span>{say.send_again}:</span> <Command text={table.replay} />
              </p>
              <Groups table={table} />
              <Rows table={table} />
            </>
          )
        }
      </Loaded>
    </Card>
  );
}

function Groups({ table: { groups } }: { readonly table: TableQuarantine }): ReactNode {
  const { say, language } = usePipelineWords();
  return (
    <Table
      label={say.quarantine}
      columns={[
        { title: say.rule },
        { title: say.file },
        { title: say.run },
        { title: say.rows, number: true },
        { title: say.send_again },
      ]}
      rows={groups.map(({ rule, file, run_id, rows, replay }) => ({
        key: `${rule} ${file} ${run_id}`,
        cells: [
          <code key="rule">{rule}</code>,
          file,
          <RunLink key="run" id={run_id} />,
          numberText(rows, language),
          <Command key="replay" text={replay} />,
        ],
      }))}
    />
  );
}

function Rows({ table: { rejected } }: { readonly table: TableQuarantine }): ReactNode {
  const { say } = usePipelineWords();
  if (rejected === null)
    return (
      <p className="quiet small stacked">
        <Named text={say.not_served_hint} />
      </p>
    );
  if (rejected.length === 0) return null;
  return (
    <Table
      label={say.rejected}
      columns={[{ title: say.file }, { title: say.line, number: true }, { title: say.reason }, { title: say.record }]}
      rows={rejected.map(({ quarantine_id, file, line, reason, raw }) => ({
        key: quarantine_id,
        cells: [file ?? '–', line ?? '–', <Said key="reason" text={reason} />, <code key="raw">{raw ?? '–'}</code>],
      }))}
    />
  );
}
