import { escapeText } from '../../core/text/escape.js';
import type { Tint } from '../terminal/layout.js';
import type { Word } from '../word.js';

/** HTML. Only `html` and `join` make it. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number;

/** No tag, attribute or entity opens, and no text is reordered. */
function escape(text: string): string {
  return escapeText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Escapes all parts but markup. */
export function html(texts: TemplateStringsArray, ...parts: readonly (Part | readonly Part[])[]): Markup {
  const render = (part: Part): string => {
    if (typeof part === 'object') return part.markup;
    return typeof part === 'number' ? String(part) : escape(part);
  };
  return {
    markup: texts.reduce((joined, text, at) => {
      const part = parts[at - 1];
      if (part === undefined) return joined + text;
      return joined + (isList(part) ? part.map(render).join('') : render(part)) + text;
    }),
  };
}

function isList(part: Part | readonly Part[]): part is readonly Part[] {
  return Array.isArray(part);
}

export const nothing: Markup = { markup: '' };

type Tone = 'good' | 'bad' | 'doubt' | 'shown' | 'soft';

/** The mark has the meaning without colour. */
const marks: Readonly<Record<Tone, string>> = { good: '✔', bad: '✖', doubt: '?', shown: '◆', soft: '–' };

/** The tone of a terminal's colour. */
export const tones: Readonly<Record<Tint, Tone>> = {
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

/** Mark and word in the verdict's colour. */
export function wordMarkup(word: Word): Markup {
  const tone = toneOf(word);
  const mark = word.text.endsWith('EXPOSED') ? '!' : marks[tone];
  return html`<span class="${tone}"><span aria-hidden="true">${mark}</span> ${word.text}</span>`;
}
