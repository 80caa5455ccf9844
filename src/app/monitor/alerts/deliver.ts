import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { AlertSpec } from '../../../core/model/monitor.ts';
import { guardedLookup, isLiterallyPrivate } from '../../../kit/outbound.ts';

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

const ATTEMPTS = 3;
const ATTEMPT_MS_MAX = 5_000;
const PAUSE_MS = 500;
const COMMAND_MS_MAX = 30_000;
/** Answers after which another attempt may help. */
const TRY_AGAIN: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Hands one message over. @throws DataflowError E_ALERT */
export async function deliver(spec: AlertSpec, message: AlertMessage, root: string): Promise<void> {
  if (spec.command !== undefined) return run(spec.command, message, root);
  const body = JSON.stringify(spec.shape === 'slack' ? { text: slackText(message) } : message);
  for (let attempt = 1; ; attempt++) {
    const failure = await posted(spec, body);
    if (failure === undefined) return;
    if (!failure.again || attempt === ATTEMPTS) throw undelivered(`${spec.when}: ${failure.words}`);
    await sleep(PAUSE_MS * 2 ** (attempt - 1));
  }
}

function undelivered(words: string): DataflowError {
  return new DataflowError('E_ALERT', `an alert could not be told: ${words}`);
}

interface Failure {
  readonly words: string;
  readonly again: boolean;
}

/** One attempt; a redirect is not followed. Only an address that is written out as a private one may be private. */
async function posted({ post = '', headers }: AlertSpec, body: string): Promise<Failure | undefined> {
  const { Agent, request } = await import('undici');
  const url = new URL(post);
  const own = isLiterallyPrivate(url.hostname);
  const agent = new Agent({ connect: { lookup: guardedLookup(() => own) as never, timeout: ATTEMPT_MS_MAX } });
  try {
    const { statusCode, body: answer } = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'dataflow', ...headers },
      body,
      signal: AbortSignal.timeout(ATTEMPT_MS_MAX),
    });
    await answer.dump({ limit: 65_536 });
    if (statusCode >= 200 && statusCode < 300) return undefined;
    return { words: `${url.host} answered ${statusCode}`, again: TRY_AGAIN.has(statusCode) };
  } catch (error) {
    const refused = error instanceof Error && error.name === 'OutboundRefusal';
    const words = error instanceof Error ? error.message : String(error);
    return { words: `${url.host}: ${words}`, again: !refused };
  } finally {
    await agent.destroy();
  }
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
