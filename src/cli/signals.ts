const EXIT_OF: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Watches for the wish to stop. */
export interface SignalWatch {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came: the exit status that the program must end with, whatever the command returned. */
  exitCode(): number | undefined;
  /** Takes the handlers off again, unless a signal came. */
  dispose(): void;
}

/**
 * The first signal asks: the command finishes or rolls back its step and ends. The second one does not ask.
 * @param tell prints a line on stderr. @param stopping what the command does now.
 */
export function watchSignals(
  tell: (line: string) => void,
  stopping = 'stopping after the current step is finished or rolled back',
  host: NodeJS.Process = process,
): SignalWatch {
  const controller = new AbortController();
  let received: number | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    const code = EXIT_OF[name] ?? 1;
    if (received !== undefined) host.exit(code);
    received = code;
    tell(`${name}: ${stopping}; once more stops at once`);
    controller.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
  };
  for (const name of Object.keys(EXIT_OF)) host.on(name, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => received,
    dispose: () => {
      // A second signal may come while the program ends; without a handler it would end as if the first one had not been heard.
      if (received !== undefined) return;
      for (const name of Object.keys(EXIT_OF)) host.off(name, onSignal);
    },
  };
}
