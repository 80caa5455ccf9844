import { relative, resolve } from 'node:path';
import { exportMonitoring } from '../../app/monitor/files/export-monitoring.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';
import { EXIT_DONE } from '../exit-codes.ts';
import { loadProjectFor } from '../shared/open.ts';

/** `export monitoring`. */
export async function exportMonitoringCommand(invocation: Invocation): Promise<number> {
  const { options, printer, cwd } = invocation;
  const given = { target: address(options, 'target'), alertmanager: address(options, 'alertmanager') };
  const urls = { prometheus: url(options, 'prometheus'), webhook: url(options, 'webhook') };
  const { project } = await loadProjectFor(invocation);
  const folder = resolve(cwd, String(options['to']));
  const dry_run = options['dryRun'] === true;
  const places = {
    folder,
    alertmanager: given.alertmanager ?? '',
    prometheus_url: urls.prometheus ?? '',
    ...(given.target === undefined ? {} : { target: given.target }),
    ...(urls.webhook === undefined ? {} : { webhook: urls.webhook }),
  };
  const report = await exportMonitoring(project, places, { force: options['force'] === true, dry_run });
  printer.report({
    document: report,
    sections: [{ columns: [{ name: 'file' }, { name: 'state' }], rows: report.files }],
  });
  if (dry_run) printer.text('nothing was changed');
  const place = relative(cwd, folder) || '.';
  printer.text('');
  printer.text(`next: prometheus --config.file=${place}/prometheus.yml`);
  if (report.token_file !== null)
    printer.text(`      /metrics needs a token for *: put one into ${place}/${report.token_file}`);
  return EXIT_DONE;
}

function address(options: Invocation['options'], name: string): string | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(String(text))) return String(text);
  throw new DataflowError('E_USAGE', `--${name} ${String(text)}: write it as host:port`);
}

function url(options: Invocation['options'], name: string): string | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (/^https?:\/\/\S+$/.test(String(text)) && URL.canParse(String(text))) return String(text);
  throw new DataflowError('E_USAGE', `--${name}: expected an address that begins with http:// or https://`);
}
