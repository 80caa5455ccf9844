import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'serve',
  summary: 'Answer over HTTP from the published release: REST API, health, metrics',
  group: 'Work',
  configure(command) {
    command
      .option('--host <address>', 'address to listen at (default: serve.host, else 127.0.0.1)')
      .option('--port <port>', 'port to listen at; 0: one that is free (default: serve.port, else 8000)')
      .option('--new-token', 'make a token, print it with the hash for serve.tokens, and end')
      .addHelpText(
        'after',
        '\nAny address but 127.0.0.1 needs serve.tokens or serve.jwt.\nSIGTERM finishes the requests at work.\n\nExamples:\n  dataflow serve --port 8080\n  curl http://127.0.0.1:8080/api/v1/tables',
      );
  },
  load: async () => (await import('../runners/serve.ts')).serve,
};
