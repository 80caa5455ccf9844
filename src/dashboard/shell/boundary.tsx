import { Component, type ReactNode } from 'react';
import { useWords } from '../words/use-words.tsx';

interface BoundaryState {
  readonly failed: boolean;
}

/** Keeps a mistake in one view from taking the others with it. */
export class Boundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { failed: false };

  static getDerivedStateFromError(): BoundaryState {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <Crashed again={() => this.setState({ failed: false })} /> : this.props.children;
  }
}

/** A part of the program that could not be loaded (the server is gone) is the usual reason; loading the page anew asks for it again. */
function Crashed({ again }: { readonly again: () => void }): ReactNode {
  const { words } = useWords();
  return (
    <div className="state" role="alert">
      <p className="state-title">{words.crashed}</p>
      <div className="state-actions">
        <button type="button" className="button" onClick={again}>
          {words.retry}
        </button>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          {words.reload}
        </button>
      </div>
    </div>
  );
}
