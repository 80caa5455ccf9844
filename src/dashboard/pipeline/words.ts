import { type Language, useWords } from '../words/use-words.tsx';
import { EN, type PipelineWords } from './words-en.ts';
import { FR } from './words-fr.ts';

/** What the pages of the pipeline say, in the language of the reader. */
export function usePipelineWords(): { readonly say: PipelineWords; readonly language: Language } {
  const { language } = useWords();
  return { say: language === 'fr' ? FR : EN, language };
}
