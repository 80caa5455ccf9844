import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from 'react';
import { goTo } from './location.ts';

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  readonly to: string;
  readonly children: ReactNode;
}

/** A link within the dashboard: without loading the page anew, but with all that a link can (a new tab, copying its address). */
export function Link({ to, children, onClick, ...rest }: LinkProps): ReactNode {
  const followed = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    goTo(to);
  };
  return (
    <a {...rest} href={to} onClick={followed}>
      {children}
    </a>
  );
}
