import { parentPort } from 'node:worker_threads';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { InspectAnswer, InspectQuestion } from './inspect-pool.ts';
import { inspectors } from './inspectors.ts';

/** The entry of a worker thread: one inspection at a time, asked and answered by message. */
parentPort?.on('message', (question: InspectQuestion) => {
  void answer(question).then((message) => parentPort?.postMessage(message));
});

async function answer({ request }: InspectQuestion): Promise<InspectAnswer> {
  try {
    return { inspection: await inspectors[request.unit.made_from ?? request.unit.format].inspect(request) };
  } catch (error) {
    if (error instanceof DataflowError)
      return {
        failure: {
          code: error.code,
          message: error.message,
          ...(error.place === undefined ? {} : { place: error.place }),
        },
      };
    return { failure: { code: 'E_INTERNAL', message: error instanceof Error ? error.message : String(error) } };
  }
}
