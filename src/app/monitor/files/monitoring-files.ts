import type { Project } from '../../../core/model/project.ts';
import { needsToken, SERVE_SPEC } from '../../../core/model/serve.ts';
import { dashboardFor, dashboardProvider, dataSource } from './grafana.ts';
import { rulesFor, ruleTestsFor } from './rule-files.ts';

/** Where the parts of the monitoring find each other. */
export interface MonitoringPlaces {
  /** `host:port` of `dataflow serve`; absent: by the configuration. */
  readonly target?: string;
  readonly alertmanager: string;
  readonly prometheus_url: string;
  /** Where Alertmanager posts to; absent: its page alone shows what fires. */
  readonly webhook?: string;
  /** Absolute folder of the files. */
  readonly folder: string;
}

const RULES = 'dataflow.rules.yml';
const TOKEN = 'dataflow.token';
const HEAD = '# Written by `dataflow export monitoring`: written anew when the project changes.\n';

/** Files by their names: configuration of Prometheus, Alertmanager and Grafana for one project. */
export async function monitoringFiles(
  project: Project,
  places: MonitoringPlaces,
): Promise<ReadonlyMap<string, string>> {
  const { stringify } = await import('yaml');
  const yaml = (content: object): string => `${HEAD}${stringify(content, { lineWidth: 0 })}`;
  const dashboards = `${places.folder}/grafana/dashboards`;
  return new Map([
    ['prometheus.yml', yaml(prometheusFor(project, places))],
    [RULES, yaml(rulesFor(project.name))],
    ['dataflow.rules.test.yml', yaml(ruleTestsFor(project.name, RULES))],
    ['alertmanager.yml', yaml(alertmanagerFor(places))],
    ['grafana/provisioning/datasources/dataflow.yml', yaml(dataSource(places.prometheus_url))],
    ['grafana/provisioning/dashboards/dataflow.yml', yaml(dashboardProvider(dashboards))],
    ['grafana/dashboards/pipeline-overview.json', `${JSON.stringify(dashboardFor(project), null, 2)}\n`],
  ]);
}

/** What the person has to add: a token where the server wants one. */
export function tokenFile(project: Project): string | undefined {
  return project.serve !== undefined && needsToken(project.serve) ? TOKEN : undefined;
}

function prometheusFor(project: Project, { target, alertmanager }: MonitoringPlaces): object {
  const { host, port } = project.serve ?? SERVE_SPEC;
  const own = `${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
  const token = tokenFile(project);
  return {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    rule_files: [RULES],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    scrape_configs: [
      {
        job_name: 'dataflow',
        metrics_path: '/metrics',
        ...(token === undefined ? {} : { authorization: { type: 'Bearer', credentials_file: token } }),
        static_configs: [{ targets: [target ?? own] }],
      },
    ],
  };
}

function alertmanagerFor({ webhook }: MonitoringPlaces): object {
  const receiver = { name: 'dataflow', ...(webhook === undefined ? {} : { webhook_configs: [{ url: webhook }] }) };
  return {
    route: {
      receiver: 'dataflow',
      group_by: ['project', 'alertname'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '12h',
    },
    // What is silent says nothing true about its tables.
    inhibit_rules: [
      {
        source_matchers: ['alertname="DataflowSilent"'],
        target_matchers: ['alertname=~"Dataflow.+"'],
        equal: ['project'],
      },
    ],
    receivers: [receiver],
  };
}
