import { type ReactNode, useState } from 'react';
import { ask } from '../data/client.ts';
import { useWords } from '../words/use-words.tsx';

/** Takes all rows that the filters leave, as a file. They are fetched, since a plain link could not send the token. */
export function ExportButtons(props: {
  readonly title: string;
  readonly name: string;
  address(format: string): string;
}): ReactNode {
  const { words } = useWords();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const take = async (format: string): Promise<void> => {
    setBusy(true);
    setFailed(false);
    try {
      const response = await ask(props.address(format), undefined, '*/*');
      save(await response.blob(), `${props.name}.${format}`);
    } catch {
      setFailed(true);
    }
    setBusy(false);
  };
  return (
    <fieldset className="segments" disabled={busy}>
      <legend className="unseen">{words.export}</legend>
      {['csv', 'json'].map((format) => (
        <button
          key={format}
          type="button"
          aria-label={`${format.toUpperCase()}, ${words.export} ${props.title}`}
          title={`${words.export} ${format.toUpperCase()}`}
          onClick={() => void take(format)}
        >
          {format.toUpperCase()}
        </button>
      ))}
      <span role="alert" className="wrong small">
        {failed ? words.export_failed : ''}
      </span>
    </fieldset>
  );
}

function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
