import type { Tint } from './terminal/layout.js';
import type { Word } from './word.js';

/** A piece of a text: words, words with the colour that goes with them, or what is typed. */
export type TextPart = string | Word | { readonly code: string };

/** Text of a report. Nothing in it is escaped: each printer does that for where it prints. */
export type Text = string | readonly TextPart[];

/** A name and what stands beside it; facts of one name are written one below the other. */
export type Fact = readonly [name: string, text: Text];

/** A part of a report. Every printer has a form for each kind. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'sentence'; readonly text: Text }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  /** Cells of a row in the order of the columns; the second names the row. */
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly Text[])[] }
  /** Text that is typed or read byte for byte, with its line feeds. */
  | { readonly kind: 'code'; readonly text: string }
  /** Something with a title of its own: a cause with its leaks and fixes. */
  | { readonly kind: 'item'; readonly title: Text; readonly tint: Tint; readonly blocks: readonly Block[] }
  | { readonly kind: 'picture'; readonly picture: 'topology' | 'matrix' };

export interface Section {
  readonly id: string;
  readonly title: string;
  /** A shorter title, for an index; absent = it is in none. */
  readonly short?: string;
  readonly tint?: Tint;
  readonly blocks: readonly Block[];
  /** How much of a reader's time it asks: at once, when unfolded and in print, or when unfolded on a screen alone. */
  readonly depth: 'first' | 'folded' | 'screen';
}

/** A section, or none where it has nothing to say. */
export function sectionOf(section: Section): readonly Section[] {
  return section.blocks.length === 0 ? [] : [section];
}

/** Facts as a block, or none; of more than `most` the first, and how many more stand in result.json. */
export function factsOf(facts: readonly Fact[], most = Infinity): readonly Block[] {
  const more = facts.length - most;
  const rest: readonly Block[] = more > 0 ? [sentence(`and ${more} more, all of them in result.json`)] : [];
  return facts.length === 0 ? [] : [{ kind: 'facts', facts: facts.slice(0, most) }, ...rest];
}

export function sentence(text: Text): Block {
  return { kind: 'sentence', text };
}

/** The words of a text, as one string. */
export function plainText(text: Text): string {
  const words = (part: TextPart): string => {
    if (typeof part === 'string') return part;
    return 'code' in part ? part.code : part.text;
  };
  return typeof text === 'string' ? text : text.map(words).join('');
}
