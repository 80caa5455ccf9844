import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LINEAGE_ENDPOINT, LINEAGE_SECONDS_MAX } from '../../../core/config/schema-openlineage.ts';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { PostTarget } from '../../../core/model/monitor.ts';
import type { Project } from '../../../core/model/project.ts';
import { JsonPost } from '../json-post.ts';

/** Where events go: a file, or a service. */
export type LineageTarget =
  | { readonly file: string }
  /** `trusted`: from a variable, which is the word of whoever runs this machine. */
  | { readonly post: PostTarget; readonly trusted: boolean };

const ATTEMPT_MS_MAX = 3_000;

/** How long the end of a run may wait for whoever takes its events. */
export function lineageSecondsMax({ openlineage }: Project): number {
  return openlineage?.seconds_max ?? LINEAGE_SECONDS_MAX;
}

/** What `openlineage:` says, else the standard variables; undefined where events go nowhere. */
export function lineageTarget({ openlineage }: Project, env: NodeJS.ProcessEnv): LineageTarget | undefined {
  if (env['OPENLINEAGE_DISABLED']?.toLowerCase() === 'true') return undefined;
  const { file, url, endpoint = LINEAGE_ENDPOINT, api_key, headers = {} } = openlineage ?? {};
  if (file !== undefined) return { file };
  if (url !== undefined)
    return { post: { url: below(url, endpoint), headers: signed(headers, api_key) }, trusted: false };
  const named = env['OPENLINEAGE_URL'] ?? '';
  if (named === '') return undefined;
  if (!/^https?:\/\//.test(named) || !URL.canParse(named))
    throw new DataflowError('E_LINEAGE_SEND', 'OPENLINEAGE_URL is no address that begins with https:// or http://');
  const key = api_key ?? (env['OPENLINEAGE_API_KEY'] || undefined);
  const path = env['OPENLINEAGE_ENDPOINT'] || endpoint;
  return { post: { url: below(named, path), headers: signed(headers, key) }, trusted: true };
}

function below(url: string, endpoint: string): string {
  const whole = new URL(url);
  whole.pathname = `${whole.pathname.replace(/\/+$/, '')}/${endpoint.replace(/^\/+/, '')}`;
  return whole.href;
}

function signed(headers: PostTarget['headers'], api_key: string | undefined): PostTarget['headers'] {
  return api_key === undefined ? headers : { ...headers, authorization: `Bearer ${api_key}` };
}

/** One way to a target, for as long as a run has something to tell. */
export class LineageWay {
  readonly #target: LineageTarget;
  readonly #service: JsonPost | undefined;
  /** The service did not answer in time: it is asked once more only. */
  #silent = false;

  constructor(target: LineageTarget) {
    this.#target = target;
    this.#service =
      'post' in target
        ? new JsonPost(target.post, { attempt_ms_max: ATTEMPT_MS_MAX, trusted: target.trusted })
        : undefined;
  }

  /**
   * Delivers events in their order; the first one that is not taken ends it, and so does `until`.
   * @param events as JSON. @throws DataflowError E_LINEAGE_SEND
   */
  async deliver(
    events: readonly string[],
    options: { readonly once?: boolean; readonly until?: AbortSignal } = {},
  ): Promise<void> {
    if ('file' in this.#target) return added(this.#target.file, events);
    const { once = false, until } = options;
    for (const [i, event] of events.entries()) {
      const failure = await this.#service?.post(event, {
        ...(once || this.#silent ? { attempts: 1 } : {}),
        ...(until === undefined ? {} : { until }),
      });
      if (failure === undefined) continue;
      this.#silent = failure.silent;
      const left = `${events.length - i} of ${events.length}`;
      throw new DataflowError('E_LINEAGE_SEND', `${left} lineage events were not taken: ${failure.words}`);
    }
  }

  async close(): Promise<void> {
    await this.#service?.close();
  }
}

/** All lines by one write, so that those of another run do not come between them. */
async function added(file: string, events: readonly string[]): Promise<void> {
  try {
    await appendFile(file, events.map((event) => `${event}\n`).join(''), { mode: 0o600 });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new DataflowError('E_LINEAGE_SEND', `lineage events cannot be written to ${file} (${code})`, {
      ...(code === 'ENOENT' ? { hint: `Make the folder ${dirname(file)} first.` } : {}),
      cause: error,
    });
  }
}
