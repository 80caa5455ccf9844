import { type ReactNode, useEffect, useState } from 'react';
import type { RunDetail, StepShape } from '../../core/contract/pipeline.ts';
import { useResource } from '../data/resource.ts';
import type { SectionViewProps } from '../section-view.ts';
import { Said } from '../words/said.tsx';
import { durationText, momentText, moneyText, numberText, sizeText } from './format.ts';
import { Act, Actions } from './operator.tsx';
import { Card, Facts, Loaded, PipelinePage, State, TableLink, toneOf } from './parts.tsx';
import { Reason } from './reason.tsx';
import { usePipelineWords } from './words.ts';

/** A run with its steps in time, what failed, and what it took. */
export function Run({ params, dashboard }: SectionViewProps): ReactNode {
  const { say } = usePipelineWords();
  const id = params['run_id'] ?? '';
  const found = useResource<RunDetail>(`/api/v1/pipeline/runs/${encodeURIComponent(id)}`, { runs: true });
  const tools = dashboard.reader.operator && found.data !== undefined && <Tools run={found.data} />;
  return (
    <PipelinePage title={`${say.run} ${found.data?.run_id ?? id}`} tools={tools}>
      <Loaded of={found}>
        {(run) => (
          <div className="grid">
            <Summary run={run} />
            {run.steps.some(({ error }) => error !== null) && <Failures run={run} />}
            <Card title={say.steps}>
              <Timeline run={run} />
            </Card>
            {run.receipt !== null && <ReceiptCard run={run} />}
            {dashboard.reader.operator && <Actions />}
          </div>
        )}
      </Loaded>
    </PipelinePage>
  );
}

function Tools({ run }: { readonly run: RunDetail }): ReactNode {
  const { say } = usePipelineWords();
  if (run.status === 'succeeded') return null;
  if (run.status !== 'running')
    return <Act label={say.retry_run} path={`/runs/${run.run_id}/retry`} command={`dataflow retry ${run.run_id}`} />;
  if (!run.alive_here) return null;
  return <Act label={say.cancel_run} path={`/runs/${run.run_id}/cancel`} command="kill -INT" />;
}

function Summary({ run }: { readonly run: RunDetail }): ReactNode {
  const { say, language } = usePipelineWords();
  const now_ms = useTick(run.status === 'running');
  const wall_ms = run.wall_ms ?? now_ms - Date.parse(run.started_at);
  return (
    <Card title={say.run}>
      <Facts
        facts={[
          [say.status, <State key="state" of={run.status} />],
          [say.started, momentText(run.started_at, language)],
          [say.ended, momentText(run.finished_at, language)],
          [say.duration, durationText(wall_ms, language)],
          [say.rows_in, numberText(run.rows_in, language)],
          [say.rows_out, numberText(run.rows_out, language)],
          [say.quarantined, numberText(run.rows_quarantined, language)],
          [say.money, moneyText(run.money, run.currency, language)],
          [say.command, <code key="command">{run.command ?? '–'}</code>],
        ]}
      />
      {run.error !== null && <Trouble code={run.error.code} message={run.error.message} hint={run.error.hint} />}
    </Card>
  );
}

function Failures({ run }: { readonly run: RunDetail }): ReactNode {
  const { say } = usePipelineWords();
  return (
    <Card title={say.what_failed}>
      {run.steps.map(
        ({ step_id, table, error }) =>
          error !== null && (
            <div key={step_id} className="failure">
              <p>
                <TableLink to={table} />
              </p>
              <Trouble {...error} />
            </div>
          ),
      )}
    </Card>
  );
}

function Trouble(props: {
  readonly code: string;
  readonly message: string | null;
  readonly hint: string | null;
}): ReactNode {
  const { say } = usePipelineWords();
  return (
    <div className="trouble">
      <p>
        <strong>{props.code}</strong> {props.message !== null && <Said text={props.message} />}
      </p>
      {props.hint !== null && (
        <p className="quiet">
          {say.remedy}: <Said text={props.hint} />
        </p>
      )}
    </div>
  );
}

/** Each step as a bar from its start to its end; those that have not begun come last. */
function Timeline({ run }: { readonly run: RunDetail }): ReactNode {
  const { say, language } = usePipelineWords();
  const now_ms = useTick(run.status === 'running');
  const begin = Date.parse(run.started_at);
  const end = Math.max(begin + 1, run.finished_at === null ? now_ms : Date.parse(run.finished_at));
  const share = (ms: number): string => `${Math.max(0, Math.min(100, (100 * (ms - begin)) / (end - begin)))}%`;
  const inTime = [...run.steps].sort((a, b) => (a.started_at < b.started_at ? -1 : 1));
  return (
    <ol className="timeline">
      {inTime.map((step) => {
        const to = step.finished_at === null ? now_ms : Date.parse(step.finished_at);
        return (
          <li key={step.step_id}>
            <TableLink to={step.table} />
            <State of={step.status} />
            <span className="track" aria-hidden="true">
              <span
                className={`track-bar track-${toneOf(step.status)}`}
                style={{ left: share(Date.parse(step.started_at)), right: `calc(100% - ${share(to)})` }}
              />
            </span>
            <span className="number">{durationText(wallOf(step, now_ms), language)}</span>
            <span className="quiet small">
              {step.balance !== null && `${say.rows_out} ${numberText(step.balance.rows_out, language)} · `}
              <Reason text={step.reason} />
            </span>
          </li>
        );
      })}
      {run.waiting.map((table) => (
        <li key={table} className="quiet">
          <TableLink to={table} />
          <State of="waits" />
        </li>
      ))}
    </ol>
  );
}

function wallOf({ wall_ms, started_at, finished_at }: StepShape, now_ms: number): number {
  return wall_ms ?? (finished_at === null ? now_ms : Date.parse(finished_at)) - Date.parse(started_at);
}

function ReceiptCard({ run: { receipt } }: { readonly run: RunDetail }): ReactNode {
  const { say, language } = usePipelineWords();
  if (receipt === null) return null;
  return (
    <Card title={say.receipt}>
      <Facts
        facts={[
          [say.duration, durationText(receipt.wall_ms, language)],
          [say.cpu, durationText(receipt.cpu_ms, language)],
          [say.memory, sizeText(receipt.peak_memory_bytes, language)],
          [say.read, sizeText(receipt.bytes_in, language)],
          [say.written, sizeText(receipt.bytes_out, language)],
          [say.rate, numberText(receipt.rows_per_second, language)],
          [say.money, moneyText(receipt.money, receipt.currency, language)],
          [say.over_budget, receipt.over_budget.map(({ limit }) => limit).join(', ') || '–'],
        ]}
      />
    </Card>
  );
}

/** The time of now, each second while something goes on. */
function useTick(going: boolean): number {
  const [now_ms, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [going]);
  return now_ms;
}
