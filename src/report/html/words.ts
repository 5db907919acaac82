import type { Tint } from '../paint.js';
import type { Word } from '../word.js';
import { html, type Markup } from './markup.js';

export type Tone = 'good' | 'bad' | 'doubt' | 'shown' | 'soft';

/** Mark and colour of a verdict: the mark tells it where the colour does not. */
const marks: Readonly<Record<Tone, string>> = { good: '✔', bad: '✖', doubt: '?', shown: '◆', soft: '–' };

const tones: Readonly<Record<Tint, Tone>> = {
  green: 'good',
  red: 'bad',
  yellow: 'doubt',
  cyan: 'shown',
  dim: 'soft',
  bold: 'soft',
};

export function toneOf(word: Word): Tone {
  return tones[word.tint];
}

/** A verdict as mark and word in its colour. */
export function wordMarkup(word: Word): Markup {
  const tone = toneOf(word);
  return html`<span class="${tone}"><span aria-hidden="true">${marks[tone]}</span> ${word.text}</span>`;
}

/** `1 frame`, `2 frames` */
export function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
