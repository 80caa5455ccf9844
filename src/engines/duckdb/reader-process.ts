import { basename } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { readerFaultPoint } from '../../kit/fault.ts';
import type { ReaderAnswer, ReaderQuestion, ReaderSetup } from './reader-messages.ts';
import { DuckDbSession } from './session.ts';
import { PREPARATION } from './workplaces.ts';

/**
 * The entry of a reader process: it lets the engine read files that nobody vouches for. If one of them makes it crash, run away or swell,
 * only this process goes. It holds no lock and no ledger, and writes only candidate files.
 */
const setup = JSON.parse(process.argv[2] ?? '{}') as ReaderSetup;

// Ctrl-C reaches every process of the terminal: here the parent decides.
process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined);
// Without its parent there is nobody to read for; a kill, because the engine may be in the middle of something.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (question: ReaderQuestion) => {
  void answer(question).then((message) => process.send?.(message));
});

const session = open();
// Time for a file counts from here on; what goes wrong is told with the first answer.
void session.catch(() => undefined).then(() => process.send?.('ready'));

async function open(): Promise<EngineSession> {
  const instance = await DuckDBInstance.create(':memory:', { ...setup.settings });
  const connection = await instance.connect();
  await connection.run(PREPARATION.join(';\n'));
  return new DuckDbSession(connection, { label: 'reader' }, async () => undefined);
}

async function answer(question: ReaderQuestion): Promise<ReaderAnswer> {
  try {
    const reading = await session;
    for (const file of question.request.files) readerFaultPoint(`reader-${basename(file.id).split('.')[0]}`);
    if (question.kind === 'infer') return { inferred: await reading.infer(question.request), ...usage() };
    return { parsed: await reading.parse(question.request), ...usage() };
  } catch (error) {
    const known = error instanceof DataflowError;
    const message = error instanceof Error ? error.message : String(error);
    return { failure: { code: known ? error.code : 'E_ENGINE', message: message.split('\n')[0] ?? '' }, ...usage() };
  }
}

function usage(): Pick<ReaderAnswer, 'cpu_ms' | 'peak_memory_bytes'> {
  const { user, system } = process.cpuUsage();
  return { cpu_ms: Math.round((user + system) / 1000), peak_memory_bytes: process.resourceUsage().maxRSS * 1024 };
}
