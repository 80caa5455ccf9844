import type { PageShape, WidgetShape } from '../../core/contract/dashboard.ts';
import type { FilterState } from '../filters/url-state.ts';

/** What every kind of widget is given. */
export interface WidgetProps {
  readonly page: PageShape;
  readonly widget: WidgetShape;
  readonly state: FilterState;
  /** The id of the element that names it. */
  readonly title_id: string;
}
