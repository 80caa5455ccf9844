import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines, runCommand } from './command.ts';
import { asUser, isAlive, type Leash, launchProcess, type ProcessMark, stopProcesses } from './processes.ts';
import type { Launch, Room, Server, Settings } from './server.ts';

const READY_MS = 120_000;
const READY_EVERY_MS = 50;

/** A server that runs. */
export interface RunningServer {
  readonly server: Server;
  readonly folder: string;
  readonly settings: Settings;
  readonly started_in_ms: number;
  processes(): readonly ProcessMark[];
  /** Ends its processes, by a signal if one is given, and keeps its data and ports. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and ports. */
  resume(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Installs a server if need be and starts it. With a leash it ends when this process ends, however that happens. */
export async function startServer(server: Server, leash?: Leash): Promise<RunningServer> {
  const installed = await server.install();
  // Another program may take a port between the moment when it was found free and when the server listens: once more, with others.
  return await startIn(server, installed, leash).catch(() => startIn(server, installed, leash));
}

async function startIn(server: Server, installed: string, leash: Leash | undefined): Promise<RunningServer> {
  const room = new OneRoom(installed, mkdtempSync(join(tmpdir(), `dataflow-${server.name}-`)), leash);
  const stop = async (): Promise<void> => {
    await room.halt();
    rmSync(room.folder, { recursive: true, force: true });
  };
  const from = performance.now();
  try {
    const settings = await server.start(room);
    return {
      server,
      folder: room.folder,
      settings,
      started_in_ms: Math.round(performance.now() - from),
      processes: () => room.marks,
      halt: (signal) => room.halt(signal),
      resume: async () => {
        await server.start(room);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

class OneRoom implements Room {
  readonly installed: string;
  readonly folder: string;
  marks: readonly ProcessMark[] = [];
  private readonly leash: Leash | undefined;
  private readonly ports = new Map<string, Promise<number>>();

  constructor(installed: string, folder: string, leash: Leash | undefined) {
    this.installed = installed;
    this.folder = folder;
    this.leash = leash;
    chmodSync(folder, 0o711); // A server that runs as another user owns a folder inside.
    leash?.removeAtEnd(folder);
  }

  port(key: string): Promise<number> {
    const known = this.ports.get(key) ?? freePort();
    this.ports.set(key, known);
    return known;
  }

  launch(process: Launch): void {
    const mark = launchProcess(process, this.folder, this.log(process));
    this.leash?.hold(mark);
    this.marks = [...this.marks, mark];
  }

  async run(process: Launch): Promise<void> {
    const [command, args] = asUser(process);
    await runCommand(command, args, { cwd: this.folder, ...(process.env === undefined ? {} : { env: process.env }) });
  }

  async ready(check: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + READY_MS;
    let last: unknown;
    while (Date.now() < end) {
      const dead = this.marks.find((mark) => !isAlive(mark));
      if (dead !== undefined) throw new Error(`${dead.name} ended: ${this.tail(dead)}`);
      try {
        if (await check()) return;
      } catch (error) {
        last = error;
      }
      await sleep(READY_EVERY_MS);
    }
    const why = last instanceof Error ? ` (${last.message})` : '';
    throw new Error(`not ready after ${READY_MS} ms${why}: ${this.marks.map((mark) => this.tail(mark)).join('\n')}`);
  }

  async halt(signal?: NodeJS.Signals): Promise<void> {
    await stopProcesses(this.marks, signal);
    for (const mark of this.marks) this.leash?.release(mark);
    this.marks = [];
  }

  private log(process: { readonly name: string }): string {
    return join(this.folder, `${process.name}.log`);
  }

  private tail(mark: ProcessMark): string {
    try {
      return lastLines(readFileSync(this.log(mark), 'utf8'), 8);
    } catch {
      return 'it wrote no log';
    }
  }
}

// Below the range from which the system takes ports for outgoing connections, which could take one that was just found free.
const PORT_FROM = 20_000;
const PORT_COUNT = 12_000;

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_FROM + Math.floor(Math.random() * PORT_COUNT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
