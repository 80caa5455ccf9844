import { ALERT_RULES, type AlertExample, type AlertRule } from './alert-rules.ts';

/** The rules as Prometheus reads them. */
export function rulesFor(project: string): object {
  const rules = ALERT_RULES.map((rule) => ({
    alert: rule.alert,
    expr: exprFor(rule, project),
    ...(rule.for === undefined ? {} : { for: rule.for }),
    labels: { severity: rule.severity },
    annotations: { summary: rule.summary, next: rule.next },
  }));
  return { groups: [{ name: `dataflow ${project}`, rules }] };
}

function exprFor({ expr }: AlertRule, project: string): string {
  return expr.replaceAll('PROJECT', `project=${JSON.stringify(project)}`);
}

/** The unit tests of the rules, for `promtool test rules`. */
export function ruleTestsFor(project: string, rules_file: string): object {
  const tests = ALERT_RULES.flatMap((rule) =>
    rule.examples.map((example, i) => ({
      name: `${rule.alert} ${i + 1}: ${example.fires.length > 0 ? 'fires' : 'is silent'}`,
      interval: '1m',
      input_series: seriesOf(example, project),
      alert_rule_test: [
        {
          eval_time: example.at,
          alertname: rule.alert,
          exp_alerts: example.fires.map((own) => {
            const labels = { project, ...own };
            return {
              exp_labels: { ...labels, severity: rule.severity },
              exp_annotations: { summary: filled(rule.summary, labels), next: filled(rule.next, labels) },
            };
          }),
        },
      ],
    })),
  );
  return { rule_files: [rules_file], evaluation_interval: '1m', tests };
}

function seriesOf({ series }: AlertExample, project: string): readonly object[] {
  const own = `project=${JSON.stringify(project)}`;
  return Object.entries(series).map(([name, values]) => ({
    series: name.includes('{') ? name.replace('{', `{${own}, `) : `${name}{${own}}`,
    values,
  }));
}

function filled(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');
}
