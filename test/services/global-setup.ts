import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { makeLeash } from '../../scripts/services/processes.ts';
import { type RunningServer, startServer } from '../../scripts/services/room.ts';
import { Unavailable } from '../../scripts/services/server.ts';
import {
  isServerName,
  SERVERS,
  type ServerName,
  settingsInEnvironment,
  startAll,
} from '../../scripts/services/servers.ts';
import { type Absence, REASONS_VARIABLE } from './variables.ts';

const NAMED = /\b(?:describeService|service)\(\s*'(\w+)'/g;

/** Starts the servers that the chosen test files name, all at once; those whose settings are in the environment already are taken as they are. */
export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  const leash = makeLeash();
  const running: RunningServer[] = [];
  const absent: Record<string, Absence> = {};
  const named = (await namedServers(project)).map((name) => SERVERS[name]);
  await startAll(named, async (server) => {
    const { name } = server;
    if (settingsInEnvironment(server) !== undefined) return say(name, 'taken from the environment');
    try {
      const one = await startServer(server, leash);
      running.push(one);
      Object.assign(process.env, one.settings);
      say(name, `${server.title}, ready in ${(one.started_in_ms / 1000).toFixed(1)} s`);
    } catch (error) {
      const failed = !(error instanceof Unavailable);
      absent[name] = { reason: (error as Error).message, failed };
      say(name, `${failed ? 'does not start' : 'cannot be had'}: ${(error as Error).message}`);
    }
  });
  process.env[REASONS_VARIABLE] = JSON.stringify(absent);
  return async () => {
    await Promise.all(running.map((one) => one.stop()));
  };
}

/** The servers that the test files of this run name in so many words. */
async function namedServers(project: TestProject): Promise<readonly ServerName[]> {
  const { filenamePattern } = project.vitest as { filenamePattern?: string[] }; // What follows `vitest run`; not in its types.
  const { testFiles } = await project.globTestFiles(filenamePattern);
  const named = new Set<ServerName>();
  for (const file of testFiles)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(NAMED)) if (isServerName(name)) named.add(name);
  return [...named];
}

function say(name: string, what: string): void {
  console.log(`${name}: ${what}`);
}
