import { type ComponentType, type ReactNode, useId } from 'react';
import type { WidgetKind } from '../../core/contract/dashboard.ts';
import { Boundary } from '../shell/boundary.tsx';
import { ChartWidget } from './chart-widget.tsx';
import { MetricWidget } from './metric-widget.tsx';
import type { WidgetProps } from './props.ts';
import { TableWidget } from './table-widget.tsx';
import { TextWidget } from './text-widget.tsx';

const OF_KIND: Partial<Record<WidgetKind, ComponentType<WidgetProps>>> = {
  metric: MetricWidget,
  text: TextWidget,
  table: TableWidget,
};

/** One widget in its place. What goes wrong within it stays there. */
export function Widget(props: Omit<WidgetProps, 'title_id'>): ReactNode {
  const { widget } = props;
  const title_id = useId();
  const Shown = OF_KIND[widget.kind] ?? ChartWidget;
  return (
    <section className={`card card-${widget.kind} span-${widget.width}`} aria-labelledby={title_id}>
      <Boundary>
        <Shown {...props} title_id={title_id} />
      </Boundary>
    </section>
  );
}
