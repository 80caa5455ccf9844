import type { TerminalView } from '../app/watch/watch-request.ts';

/** The view with its libraries. In the built program bin/terminal.js stands in for this file: they are ES modules that a script cannot hold. */
export function loadView(): Promise<TerminalView> {
  return import('./watch.ts');
}
