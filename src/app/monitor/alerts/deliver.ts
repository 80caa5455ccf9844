import { spawn } from 'node:child_process';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { AlertSpec } from '../../../core/model/monitor.ts';
import { JsonPost } from '../json-post.ts';

/** What is told, with all its parts. */
export interface AlertMessage {
  readonly project: string;
  readonly alert: string;
  readonly state: 'open' | 'recovered' | 'test';
  readonly subject: string;
  readonly text: string;
  readonly at: string;
  readonly run_id?: string;
  readonly code?: string;
  readonly next?: string;
}

const ATTEMPT_MS_MAX = 5_000;
const COMMAND_MS_MAX = 30_000;

/** Hands one message over. @throws DataflowError E_ALERT */
export async function deliver(spec: AlertSpec, message: AlertMessage, root: string): Promise<void> {
  if (spec.command !== undefined) return run(spec.command, message, root);
  const body = JSON.stringify(spec.shape === 'slack' ? { text: slackText(message) } : message);
  const { post: url = '', headers } = spec;
  const hook = new JsonPost({ url, headers }, { attempt_ms_max: ATTEMPT_MS_MAX });
  try {
    const failure = await hook.post(body);
    if (failure !== undefined) throw undelivered(`${spec.when}: ${failure.words}`);
  } finally {
    await hook.close();
  }
}

function undelivered(words: string): DataflowError {
  return new DataflowError('E_ALERT', `an alert could not be told: ${words}`);
}

/** Slack reads three characters as markup. */
function slackText({ state, text, next }: AlertMessage): string {
  const head =
    state === 'open' ? ':red_circle:' : state === 'recovered' ? ':large_green_circle:' : ':information_source:';
  const plain = [text, ...(next === undefined ? [] : [`next: ${next}`])].join('\n');
  return `${head} ${plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}`;
}

async function run([program = '', ...args]: readonly string[], message: AlertMessage, root: string): Promise<void> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: COMMAND_MS_MAX,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${JSON.stringify(message)}\n`);
  const end = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? code}`));
  });
  if (end !== undefined) throw undelivered(`${program}: ${end}`);
}
