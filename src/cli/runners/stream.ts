import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';
import { streamPublish } from './stream-publish.ts';

export async function stream(invocation: Invocation): Promise<number> {
  if (invocation.verb === 'stream publish') return await streamPublish(invocation);
  throw new DataflowError('E_USAGE', 'say what to do with streams', { hint: 'dataflow stream publish NAME' });
}
