import { escapeText } from '../../core/text/escape.js';
import { type Block, type Fact, plainText, type Section, type Text } from '../document.js';
import { foldAfter, padEnd, type Paint, widthOf } from './layout.js';

interface Place {
  readonly width: number;
  readonly paint: Paint;
  readonly indent: string;
}

function textLines(text: Text, head: string, { width, paint }: Place): readonly string[] {
  if (typeof text === 'string') return foldAfter(head, escapeText(text), width);
  const below = ' '.repeat(widthOf(head));
  const lines: string[] = [];
  let words = '';
  const flush = (): void => {
    if (words.trim() !== '') lines.push(...foldAfter(lines.length === 0 ? head : below, words.trim(), width));
    words = '';
  };
  for (const part of text) {
    if (typeof part === 'object' && 'code' in part) {
      flush();
      lines.push((lines.length === 0 ? head : below) + paint(escapeText(part.code), 'bold'));
    } else words += escapeText(plainText([part]));
  }
  flush();
  return lines;
}

function factLines(facts: readonly Fact[], place: Place, nameWidth: number | null): readonly string[] {
  return facts.flatMap(([name, text]) => {
    const label = escapeText(name);
    const head = nameWidth === null ? `${place.indent}${label}: ` : `${place.indent}${padEnd(label, nameWidth)}  `;
    return textLines(text, head, place);
  });
}

const maxNames = 24;

function blockLines(block: Block, place: Place, isInItem: boolean): readonly string[] {
  const { indent, paint, width } = place;
  switch (block.kind) {
    case 'heading':
      return foldAfter(indent, escapeText(block.text), width);
    case 'sentence':
      return textLines(block.text, indent, place);
    case 'facts': {
      const widest = Math.max(...block.facts.map(([name]) => widthOf(escapeText(name))));
      return factLines(block.facts, place, isInItem ? null : Math.min(widest, maxNames));
    }
    case 'table':
      return block.rows.flatMap((cells) => foldAfter(indent, escapeText(cells.map(plainText).join('  ')), width));
    case 'code':
      return block.text.split('\n').map((line) => `${indent}    ${escapeText(line)}`);
    case 'item':
      return [
        ...textLines(plainText(block.title), indent, place).map((line) => paint(line, 'bold', block.tint)),
        ...block.blocks.flatMap((part) => blockLines(part, { ...place, indent: `${indent}        ` }, true)),
      ];
    case 'picture':
      return [];
  }
}

/** Blocks as a terminal's lines; `indent` before each. */
export function printBlocks(blocks: readonly Block[], width: number, paint: Paint, indent: string): readonly string[] {
  return blocks.flatMap((block) => blockLines(block, { width, paint, indent }, true));
}

/** The last line is empty. */
export function printSection({ title, tint, blocks }: Section, width: number, paint: Paint): readonly string[] {
  const place = { width, paint, indent: '  ' };
  const head = paint(title, 'bold', ...(tint === undefined ? [] : [tint]));
  return [head, ...blocks.flatMap((block) => blockLines(block, place, false)), ''];
}
