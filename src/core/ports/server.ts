/** A command as a person would type it, and as it is started. */
export interface CommandLine {
  readonly shown: string;
  readonly program: string;
  readonly args: readonly string[];
}

/** What a server is started with. */
export interface ServeRequest {
  readonly host: string;
  readonly port: number;
  /** Whether there are pages for a browser. */
  readonly dashboard: boolean;
  /** The load from whose destination tables are answered; absent: from the lake. */
  readonly store?: string;
  /** How `dataflow <words>` is started here. */
  commandOf(words: readonly string[]): CommandLine;
  /** Told of every request that was answered. */
  log(line: ServedRequest): void;
  /** A remark for the person at the terminal. */
  note(text: string): void;
}

/** One line of the request log: nothing of what was asked but the names of parameters, and no header. */
export interface ServedRequest {
  readonly request_id: string;
  readonly client: string;
  /** Who asked, where somebody has to say so. */
  readonly reader?: string;
  readonly method: string;
  /** Without what stands behind the `?`. */
  readonly path: string;
  readonly params: readonly string[];
  readonly status: number;
  readonly ms: number;
  readonly release?: string;
  /** What went wrong inside, for those who run the server. */
  readonly error?: string;
}

/** A server that listens. */
export interface ServerAtWork {
  readonly url: string;
  /** Undefined before the first run that succeeded. */
  readonly release_id: string | undefined;
  /** The place of the destination from which tables are answered. */
  readonly store?: string | undefined;
  /** Whether it has pages for a browser. */
  readonly dashboard: boolean;
  /**
   * Takes no more requests, finishes those that it has within a time, and lets go of the lake.
   * @returns how many it cut off.
   */
  close(drain_ms: number): Promise<number>;
}
