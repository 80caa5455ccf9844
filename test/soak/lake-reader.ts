import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** What delta-rs reads in one table. */
export interface TableRead {
  readonly rows: number;
  readonly digest: string;
  /** Digest of every version that can still be read; only when history was asked for. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface LakeRead {
  readonly tables: Readonly<Record<string, TableRead>>;
  /** Data files that no log entry names. */
  readonly strays: readonly string[];
}

export interface LedgerRead {
  readonly sound: string;
  readonly steps: number;
  readonly unbalanced: readonly string[];
}

/** A Python program that answers questions, one at a time in the order in which they are asked; it lives until it is closed. */
export interface PythonReader {
  ask(question: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): void;
}

/** The Python with delta-rs; undefined where there is none. */
export const PYTHON = process.env['DATAFLOW_PYTHON'];

export function pythonReader(script: string): PythonReader {
  if (PYTHON === undefined) throw new Error('DATAFLOW_PYTHON names no Python with the packages deltalake and pyarrow');
  const child: ChildProcess = spawn(PYTHON, [resolve('test/oracle', script)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: { done: (answer: unknown) => void; failed: (error: Error) => void }[] = [];
  if (child.stdout === null) throw new Error('no output of the reader');
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.done(JSON.parse(line)));
  child.on('exit', (status) => {
    for (const one of waiting.splice(0)) one.failed(new Error(`the Python reader ended with ${status}`));
  });
  return {
    ask: (question) =>
      new Promise((done, failed) => {
        waiting.push({ done, failed });
        child.stdin?.write(`${JSON.stringify(question)}\n`);
      }),
    close: () => void child.stdin?.end(),
  };
}

export interface LakeReader {
  /** @throws Error when a table cannot be read. */
  tables(lake: string, history?: boolean): Promise<LakeRead>;
  /** Tables elsewhere, each by its address. */
  places(
    places: Readonly<Record<string, string>>,
    storage: Readonly<Record<string, string>>,
  ): Promise<LakeRead['tables']>;
  ledger(file: string): Promise<LedgerRead>;
  close(): void;
}

/** The independent reader of lakes and ledgers. */
export function openLakeReader(): LakeReader {
  const python = pythonReader('lake_reader.py');
  const sound = async <T>(question: Readonly<Record<string, unknown>>): Promise<T> => {
    const answer = (await python.ask(question)) as T | { readonly error: string };
    if (typeof answer === 'object' && answer !== null && 'error' in answer) throw new Error(String(answer.error));
    return answer as T;
  };
  return {
    tables: (lake, history = false) => sound<LakeRead>({ op: 'tables', lake, history }),
    places: (places, storage) => sound<LakeRead['tables']>({ op: 'places', places, storage }),
    ledger: (file) => sound<LedgerRead>({ op: 'ledger', file }),
    close: python.close,
  };
}
