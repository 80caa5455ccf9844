import type { FastifyReply } from 'fastify';
import { ParameterError } from '../app/serve/parameter-error.ts';
import { CATALOGUE, type ErrorCode } from '../core/errors/catalogue.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';

/** What an error says over HTTP (RFC 9457): never SQL, a path or a stack. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly hint: string;
  readonly parameter?: string;
  readonly allowed?: string;
  readonly request_id: string;
}

/** Codes whose message was written for who asked. All others say only that it failed; the log says why. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  E_SERVE_PARAMETER: 400,
  E_SERVE_TOKEN: 401,
  E_SERVE_SCOPE: 403,
  E_SERVE_OPERATOR: 403,
  E_SERVE_ORIGIN: 403,
  E_SERVE_UNKNOWN: 404,
  E_NO_RELEASE: 404,
  E_SERVE_METHOD: 405,
  E_SERVE_STATE: 409,
  E_SERVE_GONE: 410,
  E_SERVE_BUSY: 429,
  E_SERVE_TIME: 503,
  E_SERVE_KEYS: 503,
  E_SERVE_STORE: 503,
};

export const RETRY_AFTER_S = 1;

export function problemOf(error: unknown, request_id: string): Problem {
  const told = error instanceof DataflowError ? error : undefined;
  const status = told === undefined ? 500 : (STATUS[told.code] ?? (told.code === 'E_ENGINE_MEMORY' ? 503 : 500));
  const code = told?.code ?? 'E_INTERNAL';
  const spoken = told !== undefined && STATUS[told.code] !== undefined;
  return {
    type: `urn:dataflow:error:${code}`,
    title: CATALOGUE[code].title,
    status,
    detail: spoken ? told.message : 'this could not be answered; the log of the server says why',
    code,
    hint: spoken ? told.hint : 'Tell whoever runs the server the request_id.',
    ...(told instanceof ParameterError ? { parameter: told.parameter, allowed: told.allowed } : {}),
    request_id,
  };
}

export async function sendProblem(reply: FastifyReply, problem: Problem): Promise<FastifyReply> {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (problem.status === 405) reply.header('allow', 'GET, HEAD, OPTIONS');
  if (problem.status === 429) reply.header('retry-after', RETRY_AFTER_S);
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

/** An error of the framework, or of a plugin, as one of ours. */
export function asOurs(error: unknown): unknown {
  if (error instanceof DataflowError) return error;
  const status = (error as { statusCode?: unknown }).statusCode;
  if (status === 429) return new DataflowError('E_SERVE_BUSY', 'you ask more often than allowed', { cause: error });
  if (status === 503) return new DataflowError('E_SERVE_BUSY', 'the server is overloaded', { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new ParameterError('the request', 'it cannot be read', 'an address of printable characters, without a body');
  return error;
}
