import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a command ended that was asked. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is asked: the words after `dataflow`, where, and with what in the environment. */
export interface Question {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Commands that only look at a lake and its ledger. */
const LOOKS = /^(query|verify|status|ledger inputs|quarantine list)( |$)|^quarantine( --|$)/;
/** Commands that do some work or look farther, and end. */
const WORKS =
  /^(why|trace|lineage|plan|validate|run|ingest|undo|compact|retry|release|backfill|load|sync|restore|ledger|quarantine)( |$)/;
/** Settings that take effect when a process begins, or that have it die. */
const OF_A_PROCESS = /^(DATAFLOW_|NODE_|TMPDIR$|HOME$|PATH$)/;
const TIMEOUT_MS = 120_000;
const POLL_MS = 1;

let work_is_shared = false;

/**
 * For a test file whose commands nothing disturbs, and whose tests do not look at the beginning, the end or the memory of a process: from here on those that
 * do some work are taken by one process, too. With a fault point set they still have one of their own.
 */
export function shareWork(): void {
  work_is_shared = true;
}

/** Whether a command is taken by one process with others. */
export function sharesProcess(
  args: readonly string[],
  { env = {}, work = work_is_shared }: { readonly env?: Question['env'] | undefined; readonly work?: boolean } = {},
): boolean {
  const words = args.join(' ');
  if (Object.keys(env).some((name) => !work || OF_A_PROCESS.test(name))) return false;
  return LOOKS.test(words) || (work && WORKS.test(words));
}

/** Asks the built program and waits, as `spawnSync` does, without giving way to anything else. @param binary its start-up file */
export function askAndWait(binary: string, question: Question): Answer {
  const asked = askerOf(binary).put(question);
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const answer = asked();
    if (answer !== undefined) return answer;
    Atomics.wait(nobody, 0, 0, POLL_MS);
  }
}

/** Asks the built program. */
export async function ask(binary: string, question: Question): Promise<Answer> {
  const asked = askerOf(binary).put(question);
  for (;;) {
    const answer = asked();
    if (answer !== undefined) return answer;
    await sleep(POLL_MS);
  }
}

const askers = new Map<string, Asker>();

function askerOf(binary: string): Asker {
  const asker = askers.get(binary) ?? new Asker(binary);
  askers.set(binary, asker);
  return asker;
}

/**
 * One process of the built program that answers one command line after another (`asker-process.cjs`). A look takes it a tenth, a run a
 * third of what a process takes that first starts Node and an engine, and tests do thousands of both. It ends with the process that asks.
 */
class Asker {
  readonly #folder = mkdtempSync(join(tmpdir(), 'dataflow-asker-'));
  readonly #child: ChildProcess;
  #asked = 0;

  constructor(binary: string) {
    const program = dirname(dirname(resolve(binary)));
    const [stdout, stderr] = [this.#open('stdout'), this.#open('stderr')];
    const args = ['--expose-gc', resolve('test/support/asker-process.cjs'), program, this.#folder];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', stdout, stderr] });
    for (const file of [stdout, stderr]) closeSync(file);
    // Nobody waits for it at the end.
    this.#child.unref();
    (this.#child.stdin as Socket | null)?.unref();
  }

  /** Puts a question; what it gives yields the answer, once that is there. */
  put(question: Question): () => Answer | undefined {
    const id = ++this.#asked;
    const done = join(this.#folder, `done-${id}`);
    const end = Date.now() + TIMEOUT_MS;
    this.#child.stdin?.write(`${JSON.stringify({ ...question, id })}\n`);
    return () => {
      if (existsSync(done)) {
        const answer = JSON.parse(readFileSync(done, 'utf8')) as Answer;
        unlinkSync(done);
        return answer;
      }
      if (Date.now() < end) return undefined;
      const said = readFileSync(join(this.#folder, 'stderr'), 'utf8');
      throw new Error(`no answer to dataflow ${question.args.join(' ')} within ${TIMEOUT_MS} ms: ${said}`);
    };
  }

  #open(name: string): number {
    return openSync(join(this.#folder, name), 'a');
  }
}
