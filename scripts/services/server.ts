/** Settings for tests, by the name of the environment variable: `DATAFLOW_TEST_KAFKA` → `127.0.0.1:29092`. */
export type Settings = Readonly<Record<string, string>>;

/** A process of a server. */
export interface Launch {
  /** Names its log: `<name>.log` in the server's folder. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The system user it runs as, if we are root; else it is ignored. */
  readonly user?: string;
  /** What ends it in good order at once; SIGTERM if nothing is said. */
  readonly stop_signal?: NodeJS.Signals;
}

/** Where a server lives while it runs: its folder, its ports, its processes. The same again after a restart. */
export interface Room {
  /** Data, settings and logs; removed when the server is stopped for good. */
  readonly folder: string;
  /** The folder that `install` gave. */
  readonly installed: string;
  /** A free port of 127.0.0.1; the same number for the same key. */
  port(key: string): Promise<number>;
  /** Starts a process that the room stops later. */
  launch(process: Launch): void;
  /** Runs a command to its end, e.g. to format a data folder; its failure is an error. */
  run(process: Launch): Promise<void>;
  /** Waits until the check is true; an error if a process of the room ends before, or after two minutes. */
  ready(check: () => Promise<boolean>): Promise<void>;
}

/** A server that tests use. One file each; `servers.ts` lists them. */
export interface Server {
  readonly name: string;
  /** For people: `Kafka 4.1.0, one node`. */
  readonly title: string;
  /** The settings that `start` gives. If the first is in the environment already, nothing is started. */
  readonly variables: readonly [string, ...string[]];
  /** Others that it takes note of: where they are started together, they come first and their settings are in the environment. */
  readonly after?: readonly string[];
  /** Puts the server into the cache unless it is there, and gives its folder. Throws `Unavailable` if it cannot be had. */
  install(): Promise<string>;
  /** Starts it and waits until it answers. Called once more after a stop, it takes the data up again. */
  start(room: Room): Promise<Settings>;
}

/** A server cannot be had on this machine: tests that need it are skipped with this reason. */
export class Unavailable extends Error {}
