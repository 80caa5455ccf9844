import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import type { ProblemShape } from '../../core/contract/dashboard.ts';
import type { ActionList } from '../../core/contract/pipeline.ts';
import { useResource } from '../data/resource.ts';
import { keptToken } from '../data/token.ts';
import { Said } from '../words/said.tsx';
import { momentText } from './format.ts';
import { Card, Loaded, State, Table } from './parts.tsx';
import { usePipelineWords } from './words.ts';

/** A button that starts something on the server once its command was shown and confirmed. For operators alone. */
export function Act(props: { readonly label: string; readonly path: string; readonly command: string }): ReactNode {
  const { say } = usePipelineWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [told, setTold] = useState<ReactNode>();
  const go = async (): Promise<void> => {
    dialog.current?.close();
    setTold(
      await acted(props.path).then(({ state, problem }) =>
        problem === undefined ? (say.states[state] ?? state) : <Said text={problem} />,
      ),
    );
  };
  return (
    <>
      <button type="button" className="button button-small" onClick={() => dialog.current?.showModal()}>
        {props.label}
      </button>
      <span className="small" role="status">
        {told}
      </span>
      <dialog ref={dialog} className="dialog" aria-labelledby={id}>
        <h2 id={id}>{props.label}</h2>
        <p>{say.sure}</p>
        <p className="command">
          <code>{props.command}</code>
        </p>
        <div className="state-actions">
          <button type="button" className="button button-main" onClick={() => void go()}>
            {say.yes}
          </button>
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            {say.back}
          </button>
        </div>
      </dialog>
    </>
  );
}

/** Says it to the server, with the token in a header. */
async function acted(path: string): Promise<{ readonly state: string; readonly problem?: string }> {
  try {
    const headers = { authorization: `Bearer ${keptToken() ?? ''}` };
    const response = await fetch(`/api/v1/pipeline${path}`, { method: 'POST', headers });
    if (response.ok) return (await response.json()) as { state: string };
    const { detail } = (await response.json()) as ProblemShape;
    return { state: 'failed', problem: detail };
  } catch {
    return { state: 'failed' };
  }
}

const AGAIN_MS = 2_000;

/** What was done from the pages, and how it went. */
export function Actions(): ReactNode {
  const { say, language } = usePipelineWords();
  const found = useResource<ActionList>('/api/v1/pipeline/actions', { runs: true });
  const { retry, data } = found;
  const at_work = data?.data.some(({ state }) => state === 'running') === true;
  useEffect(() => {
    if (!at_work) return;
    const timer = setInterval(retry, AGAIN_MS);
    return () => clearInterval(timer);
  }, [at_work, retry]);
  if (data === undefined || data.data.length === 0) return null;
  return (
    <Card title={say.actions}>
      <Loaded of={found}>
        {({ data: actions }) => (
          <Table
            label={say.actions}
            columns={[{ title: say.at }, { title: say.by }, { title: say.command }, { title: say.state }]}
            rows={actions.map(({ action_id, at, by, command, state, lines }) => ({
              key: action_id,
              cells: [
                momentText(at, language),
                by,
                <code key="command" title={lines.join('\n')}>
                  {command}
                </code>,
                <State key="state" of={state} />,
              ],
            }))}
          />
        )}
      </Loaded>
    </Card>
  );
}
