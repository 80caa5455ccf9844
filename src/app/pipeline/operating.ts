import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { ActionShape } from '../../core/contract/pipeline.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { CommandLine } from '../../core/ports/server.ts';
import type { Redact } from './runs.ts';

/** Actions that are shown, the newest ones. */
const KEPT = 50;
const AT_ONCE = 4;
const LINES = 20;
const LINE_CHARS = 500;

interface Action extends Omit<ActionShape, 'lines' | 'state' | 'exit_status'> {
  /** What it is about: nobody is told of it who may not read this. */
  readonly about: string;
  state: ActionShape['state'];
  exit_status: number | null;
  readonly lines: string[];
}

/** Who does what. */
export interface Wish {
  readonly kind: ActionShape['kind'];
  readonly by: string;
  /** A table, or `*`. */
  readonly about: string;
}

/**
 * What operators start and stop from the pages: each is a process of its own, with the words that a person would type, as the terminal view does it;
 * it goes on when the server ends. Who did what is appended to a file beside the ledger before it is done.
 */
export class Operating {
  readonly #commandOf: (words: readonly string[]) => CommandLine;
  readonly #file: string;
  readonly #redact: Redact;
  readonly #actions: Action[] = [];
  #count = 0;

  /** @param file that remembers for good who did what, one JSON object a line. */
  constructor(parts: {
    readonly commandOf: (words: readonly string[]) => CommandLine;
    readonly file: string;
    readonly redact: Redact;
  }) {
    this.#commandOf = parts.commandOf;
    this.#file = parts.file;
    this.#redact = parts.redact;
  }

  /** Newest first. */
  list(may: (about: string) => boolean): readonly ActionShape[] {
    return this.#actions.filter(({ about }) => may(about)).map(shapeOf);
  }

  /** Starts `dataflow <words>`. @throws DataflowError E_SERVE_BUSY */
  start(wish: Wish, words: readonly string[]): ActionShape {
    if (this.#actions.filter(({ state }) => state === 'running').length >= AT_ONCE)
      throw new DataflowError('E_SERVE_BUSY', `${AT_ONCE} commands of operators are at work already`);
    const { shown, program, args } = this.#commandOf(words);
    const action = this.#begin(wish, shown);
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NO_COLOR: '1', DATAFLOW_ACTOR: wish.by },
    });
    child.unref();
    this.#follow(action, child);
    return shapeOf(action);
  }

  /** Sends a run the signal that Ctrl-C would. @throws DataflowError E_SERVE_STATE when the process is gone */
  interrupt(wish: Wish, pid: number): ActionShape {
    const action = this.#begin(wish, `kill -INT ${pid}`);
    try {
      process.kill(pid, 'SIGINT');
    } catch (cause) {
      this.#end(action, 'failed', null);
      throw new DataflowError('E_SERVE_STATE', 'the process of the run could not be reached', { cause });
    }
    this.#end(action, 'done', null);
    return shapeOf(action);
  }

  #begin({ kind, by, about }: Wish, command: string): Action {
    const at = new Date().toISOString();
    const action: Action = {
      ...{ action_id: `${Date.now().toString(36)}-${++this.#count}`, kind, by, about, at, command },
      ...{ state: 'running', exit_status: null, lines: [] },
    };
    this.#remember(action);
    this.#actions.unshift(action);
    this.#actions.length = Math.min(this.#actions.length, KEPT);
    return action;
  }

  #follow(action: Action, child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (line.trim() === '') return;
        action.lines.push(this.#redact(line).slice(0, LINE_CHARS));
        if (action.lines.length > LINES) action.lines.shift();
      });
    }
    child.on('error', (error) => {
      action.lines.push(this.#redact(error.message));
      this.#end(action, 'failed', null);
    });
    child.on('close', (status) => this.#end(action, status === 0 ? 'done' : 'failed', status));
  }

  #end(action: Action, state: ActionShape['state'], exit_status: number | null): void {
    if (action.state !== 'running') return;
    Object.assign(action, { state, exit_status });
    this.#remember(action);
  }

  #remember({ action_id, kind, by, at, command, state, exit_status }: Action): void {
    const line = { time: new Date().toISOString(), action_id, kind, by, at, command, state, exit_status };
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  }
}

function shapeOf({ about: _, lines, ...action }: Action): ActionShape {
  return { ...action, lines: [...lines] };
}
