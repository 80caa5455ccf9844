import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode, Suspense, useId } from 'react';
import type { WidgetKind } from '../../core/contract/dashboard.ts';
import { Boundary } from '../shell/boundary.tsx';
import { Skeleton } from '../shell/states.tsx';
import { MetricWidget } from './metric-widget.tsx';
import type { WidgetProps } from './props.ts';
import { TextWidget } from './text-widget.tsx';

const Table = lazy(async () => ({ default: (await import('./table-widget.tsx')).TableWidget }));
const Chart = lazy(async () => ({ default: (await import('./chart-widget.tsx')).ChartWidget }));

const OF_KIND: Partial<
  Record<WidgetKind, ComponentType<WidgetProps> | LazyExoticComponent<ComponentType<WidgetProps>>>
> = {
  metric: MetricWidget,
  text: TextWidget,
  table: Table,
};

/** One widget in its place. What goes wrong within it stays there. */
export function Widget(props: Omit<WidgetProps, 'title_id'>): ReactNode {
  const { widget } = props;
  const title_id = useId();
  const Shown = OF_KIND[widget.kind] ?? Chart;
  return (
    <section className={`card card-${widget.kind} span-${widget.width}`} aria-labelledby={title_id}>
      <Boundary>
        <Suspense fallback={<Skeleton kind={widget.kind === 'table' ? 'rows' : 'chart'} />}>
          <Shown {...props} title_id={title_id} />
        </Suspense>
      </Boundary>
    </section>
  );
}
