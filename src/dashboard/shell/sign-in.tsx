import { type FormEvent, type ReactNode, useState } from 'react';
import { AskError, accepts } from '../data/client.ts';
import { signIn } from '../data/session.ts';
import { useWords } from '../words/use-words.tsx';
import { LanguageSwitch, ThemeSwitch } from './switches.tsx';

type Answer = 'none' | 'asking' | 'wrong' | AskError;

/** Asks for the token that the server wants, and tries it before it is kept. */
export function SignIn(): ReactNode {
  const { words } = useWords();
  const [answer, setAnswer] = useState<Answer>('none');
  const submitted = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get('token') ?? '').trim();
    setAnswer('asking');
    accepts(token).then(
      (yes) => (yes ? signIn(token) : setAnswer('wrong')),
      (error: unknown) => setAnswer(error instanceof AskError ? error : new AskError(0)),
    );
  };
  const said = saidOf(answer, words);
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submitted}>
        <h1>{words.sign_in}</h1>
        <p className="quiet">{words.sign_in_hint}</p>
        <label>
          <span>{words.token}</span>
          <input
            name="token"
            type="password"
            autoComplete="current-password"
            required
            aria-invalid={answer === 'wrong'}
            aria-describedby="sign-in-said"
          />
        </label>
        <p id="sign-in-said" className="wrong" role="alert">
          {said}
        </p>
        <button type="submit" className="button button-main" disabled={answer === 'asking'}>
          {answer === 'asking' ? words.checking : words.sign_in}
        </button>
      </form>
      <div className="switches">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
    </main>
  );
}

function saidOf(answer: Answer, words: ReturnType<typeof useWords>['words']): string {
  if (answer === 'wrong') return words.token_wrong;
  if (!(answer instanceof AskError)) return '';
  return answer.status === 0 ? words.unreachable : (answer.problem?.detail ?? words.failed);
}
