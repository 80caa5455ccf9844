import { Fragment, type ReactNode } from 'react';
import { Said } from '../words/said.tsx';
import { useWords } from '../words/use-words.tsx';
import { reasonInFrench } from './reason-fr.ts';

/** Why a step ran, or did not, in the language of the reader as far as it is known. */
export function Reason({ text }: { readonly text: string }): ReactNode {
  const { language } = useWords();
  if (language === 'en') return text;
  return reasonInFrench(text).map(({ text, known }, i) => (
    <Fragment key={text}>
      {i > 0 && ' ; '}
      {known ? text : <Said text={text} />}
    </Fragment>
  ));
}
