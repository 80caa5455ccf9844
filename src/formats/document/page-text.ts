import type { Page } from 'tesseract.js';
import { type PageReading, rounded, type Word } from './reading.ts';

/** A page as the recogniser tells it: words in lines, lines in paragraphs, an empty line between paragraphs. */
export function pageOf(page: number, data: Pick<Page, 'blocks' | 'confidence'>): PageReading {
  const words: Word[] = [];
  let text = '';
  for (const paragraph of (data.blocks ?? []).flatMap((block) => block.paragraphs)) {
    if (text !== '') text += '\n\n';
    for (const [index, line] of paragraph.lines.entries()) {
      if (index > 0) text += '\n';
      for (const [nth, word] of line.words.entries()) {
        if (nth > 0) text += ' ';
        const { x0, y0, x1, y1 } = word.bbox;
        words.push({ text: word.text, confidence: rounded(word.confidence), at: text.length, box: [x0, y0, x1, y1] });
        text += word.text;
      }
    }
  }
  return { page, read_by: 'ocr', confidence: words.length === 0 ? 0 : rounded(data.confidence), text, words };
}
