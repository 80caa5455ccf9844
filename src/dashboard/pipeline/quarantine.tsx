import type { ReactNode } from 'react';
import type { QuarantineOverview } from '../../core/contract/pipeline.ts';
import { useResource } from '../data/resource.ts';
import type { SectionViewProps } from '../section-view.ts';
import { Empty } from '../shell/states.tsx';
import { numberText } from './format.ts';
import { Act, Actions } from './operator.tsx';
import { Card, Command, Loaded, PipelinePage, Table, TableLink } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** Rejected rows of all tables, by rule. */
export function Quarantine({ dashboard }: SectionViewProps): ReactNode {
  const { say, language } = usePipelineWords();
  const found = useResource<QuarantineOverview>('/api/v1/pipeline/quarantine', { runs: true });
  const { operator } = dashboard.reader;
  return (
    <PipelinePage title={say.quarantine}>
      <Loaded of={found}>
        {({ data, rows }) =>
          data.length === 0 ? (
            <Empty title={say.nothing_rejected} />
          ) : (
            <div className="grid">
              <Card title={`${say.rejected} · ${numberText(rows, language)}`}>
                <Table
                  label={say.rejected}
                  columns={[
                    { title: say.table },
                    { title: say.rule },
                    { title: say.rows, number: true },
                    { title: say.files, number: true },
                    { title: say.send_again },
                  ]}
                  rows={data.map((one) => ({
                    key: `${one.table} ${one.rule}`,
                    cells: [
                      <TableLink key="table" to={one.table} />,
                      <code key="rule">{one.rule}</code>,
                      numberText(one.rows, language),
                      numberText(one.files, language),
                      operator ? (
                        <Act
                          key="replay"
                          label={say.replay}
                          path={`/tables/${one.table.replace('.', '/')}/replay?rule=${encodeURIComponent(one.rule)}`}
                          command={one.replay}
                        />
                      ) : (
                        <Command key="replay" text={one.replay} />
                      ),
                    ],
                  }))}
                />
              </Card>
              {operator && <Actions />}
            </div>
          )
        }
      </Loaded>
    </PipelinePage>
  );
}
