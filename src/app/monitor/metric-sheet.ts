import type { MetricFamily, MetricSample } from '../../core/model/metric.ts';
import { LABEL_CHARS_MAX, METRICS, type MetricName, SAMPLES_MAX } from './catalogue.ts';

/**
 * Metrics while they are put together. Labels are bounded: never a run, a path or a value of a row, none of them long, and no metric with more than a
 * fixed number of values; what was left out is counted.
 */
export class MetricSheet {
  readonly #samples = new Map<MetricName, Map<string, MetricSample>>();
  readonly #left_out = new Map<MetricName, number>();
  readonly #project: string;
  readonly #samples_max: number;

  constructor(project: string, samples_max = SAMPLES_MAX) {
    this.#project = project;
    this.#samples_max = samples_max;
  }

  /** Sets a value; several of the same labels are added up. Undefined and null are no value. */
  set(name: MetricName, value: number | null | undefined, labels: Readonly<Record<string, string>> = {}): void {
    if (value === undefined || value === null || !Number.isFinite(value)) return;
    const cut = Object.entries(labels).map(([label, text]) => [label, labelText(text)] as const);
    const key = JSON.stringify(cut);
    const samples = this.#samples.get(name) ?? new Map<string, MetricSample>();
    this.#samples.set(name, samples);
    const known = samples.get(key);
    if (known === undefined && samples.size >= this.#samples_max) {
      this.#left_out.set(name, (this.#left_out.get(name) ?? 0) + 1);
      return;
    }
    const all = { project: labelText(this.#project), ...Object.fromEntries(cut) };
    samples.set(key, { labels: all, value: value + (known?.value ?? 0) });
  }

  /** A moment, as seconds since 1970. */
  setTime(name: MetricName, iso: string | null | undefined, labels: Readonly<Record<string, string>> = {}): void {
    if (iso !== undefined && iso !== null) this.set(name, Date.parse(iso) / 1000, labels);
  }

  /** In the order of the catalogue; metrics without a value are not there. */
  families(): readonly MetricFamily[] {
    for (const [metric, count] of this.#left_out) this.set('dataflow_metrics_left_out', count, { metric });
    this.#left_out.clear();
    return [...METRICS].flatMap(([name, spec]) => {
      const samples = this.#samples.get(name);
      return samples === undefined ? [] : [{ spec, samples: [...samples.values()] }];
    });
  }
}

function labelText(text: string): string {
  return text.length <= LABEL_CHARS_MAX ? text : `${text.slice(0, LABEL_CHARS_MAX - 1)}…`;
}
