import type { ReactNode } from 'react';
import { WidgetHead } from './head.tsx';
import type { WidgetProps } from './props.ts';

/** Plain paragraphs; an empty line stands between two. */
export function TextWidget({ widget, title_id }: WidgetProps): ReactNode {
  const paragraphs = (widget.text ?? '').split(/\n\s*\n/).map((text) => text.trim());
  return (
    <>
      <WidgetHead widget={widget} title_id={title_id} />
      <div className="prose">
        {[...new Set(paragraphs)].map((text) => (
          <p key={text}>{text}</p>
        ))}
      </div>
    </>
  );
}
