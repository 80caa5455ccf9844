import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { mongodbError } from './errors.ts';

/** What goes wrong with a source has another name, and other advice, where it goes wrong with a destination. */
const AS_DESTINATION: Partial<Record<ErrorCode, ErrorCode>> = {
  E_SOURCE_UNREACHABLE: 'E_LOAD_UNREACHABLE',
  E_SOURCE_TIMEOUT: 'E_LOAD_UNREACHABLE',
  E_SOURCE_DENIED: 'E_LOAD_DENIED',
};

/** Any error of the driver as one of ours. */
export function sinkError(error: unknown, place: string, signal?: AbortSignal): DataflowError {
  if (error instanceof DataflowError) return error;
  const found = mongodbError(error, place, signal);
  const code = found.code.startsWith('E_SOURCE_') ? (AS_DESTINATION[found.code] ?? 'E_LOAD_FAILED') : found.code;
  return new DataflowError(code, found.message, { cause: error });
}

/** An election or a lost connection: the same write again leads to the same documents. */
export function mayPass(error: unknown): boolean {
  const labels = (error as { errorLabels?: readonly string[] } | null)?.errorLabels ?? [];
  return labels.includes('RetryableWriteError') || sinkError(error, '').code === 'E_LOAD_UNREACHABLE';
}
