import { escapeText } from '../../model/escape-text.js';

/** Text that is HTML already: only `html` and `join` make it. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number;

/**
 * Text from anywhere as HTML: nothing in it can open a tag, an attribute or an entity, nor reorder what stands around
 * it.
 */
function escape(text: string): string {
  return escapeText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** HTML with its parts put in: a part that is not markup is data and is escaped. */
export function html(texts: TemplateStringsArray, ...parts: readonly (Part | readonly Part[])[]): Markup {
  const render = (part: Part): string =>
    typeof part === 'object' ? part.markup : typeof part === 'number' ? String(part) : escape(part);
  return {
    markup: texts.reduce((whole, text, at) => {
      const part = parts[at - 1];
      return whole + (part === undefined ? '' : isList(part) ? part.map(render).join('') : render(part)) + text;
    }),
  };
}

function isList(part: Part | readonly Part[]): part is readonly Part[] {
  return Array.isArray(part);
}

export const nothing: Markup = { markup: '' };
