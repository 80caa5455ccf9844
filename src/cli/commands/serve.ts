import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'serve',
  summary: 'Answer over HTTP from the published release: REST API, dashboard, health, metrics',
  group: 'Work',
  stopping: 'answering the requests at work, taking no others',
  configure(command) {
    command
      .option('--host <address>', 'address to listen at (default: serve.host, else 127.0.0.1)')
      .option('--port <port>', 'port to listen at; 0: one that is free (default: serve.port, else 8000)')
      .option('--store <name>', 'answer tables from the lake, or from where a load put them', 'lake')
      .option('--no-dashboard', 'no pages for a browser')
      .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)')
      .option('--log-format <format>', 'human or json (default: DATAFLOW_LOG_FORMAT, else by who reads)')
      .option('--drain-seconds <n>', 'time for requests at work once it is asked to stop (default: 10)')
      .option('--new-token', 'make a token, print it with the hash for serve.tokens, and end')
      .addHelpText(
        'after',
        '\nAny address but 127.0.0.1 needs serve.tokens or serve.jwt.\nSIGTERM finishes the requests at work; those that take longer\nthan --drain-seconds are cut off.\n\nExamples:\n  dataflow serve --port 8080\n  curl http://127.0.0.1:8080/api/v1/tables',
      );
  },
  load: async () => (await import('../runners/serve.ts')).serve,
};
