import type { ProblemShape } from '../../core/contract/dashboard.ts';
import { headersOf, takeFirst } from './first.ts';
import { lock } from './session.ts';

/** Why a question got no answer: what the server said of it, or that it could not be reached (`status` 0). */
export class AskError extends Error {
  readonly status: number;
  readonly problem: ProblemShape | undefined;

  constructor(status: number, problem?: ProblemShape) {
    super(problem?.detail ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** Asks the own server; a path below `/`. Throws an AskError, or an AbortError once `signal` has fired. */
export async function ask(path: string, signal?: AbortSignal, accept = 'application/json'): Promise<Response> {
  let response: Response;
  try {
    const asked = { headers: headersOf(accept), ...(signal === undefined ? {} : { signal }) };
    response = await (takeFirst(path) ?? fetch(path, asked));
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new AskError(0);
  }
  if (response.ok) return response;
  if (response.status === 401) lock();
  throw new AskError(response.status, await problemOf(response));
}

/** The answer as what it is agreed to be (src/core/contract). */
export async function askJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal);
  return (await response.json()) as T;
}

/** Whether a token is good, without keeping it. */
export async function accepts(token: string): Promise<boolean> {
  const response = await fetch('/api/v1/dashboard', { headers: { authorization: `Bearer ${token}` } });
  if (response.ok) return true;
  if (response.status === 401) return false;
  throw new AskError(response.status, await problemOf(response));
}

async function problemOf(response: Response): Promise<ProblemShape | undefined> {
  if (!/json/.test(response.headers.get('content-type') ?? '')) return undefined;
  try {
    return (await response.json()) as ProblemShape;
  } catch {
    return undefined;
  }
}
