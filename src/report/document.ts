import type { Tint } from './terminal/layout.js';
import type { Word } from './word.js';

/** Words, words with a colour, or code. */
export type TextPart = string | Word | { readonly code: string };

/** Printers escape it. */
export type Text = string | readonly TextPart[];

/** Facts of one name are one below the other. */
export type Fact = readonly [name: string, text: Text];

/** A part that every printer prints. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'sentence'; readonly text: Text }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  /** The second column names the row. */
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly Text[])[] }
  /** Typed or read byte for byte, with line feeds. */
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'item'; readonly title: Text; readonly tint: Tint; readonly blocks: readonly Block[] }
  | { readonly kind: 'picture'; readonly picture: 'topology' | 'matrix' };

export interface Section {
  readonly id: string;
  readonly title: string;
  /** For an index. Absent = not in it. */
  readonly short?: string;
  readonly tint?: Tint;
  readonly blocks: readonly Block[];
  /** When it is read: at once, unfolded and in print, or unfolded on a screen only. */
  readonly depth: 'first' | 'folded' | 'screen';
}

/** A section, or none if it is empty. */
export function sectionOf(section: Section): readonly Section[] {
  return section.blocks.length === 0 ? [] : [section];
}

/** None if it is empty. */
export function factsOf(facts: readonly Fact[], most = Infinity): readonly Block[] {
  const more = facts.length - most;
  const rest: readonly Block[] = more > 0 ? [sentence(`and ${more} more, all of them in result.json`)] : [];
  return facts.length === 0 ? [] : [{ kind: 'facts', facts: facts.slice(0, most) }, ...rest];
}

export function sentence(text: Text): Block {
  return { kind: 'sentence', text };
}

/** The words of a text. */
export function plainText(text: Text): string {
  const words = (part: TextPart): string => {
    if (typeof part === 'string') return part;
    return 'code' in part ? part.code : part.text;
  };
  return typeof text === 'string' ? text : text.map(words).join('');
}
