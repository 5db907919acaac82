import { isPipelineCommand } from '../../core/text/escape.js';

/** Columns without colours, one for each code point. */
export function widthOf(text: string): number {
  return [...text].length;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** Marks the end of a cut text. */
export function cut(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${[...text].slice(0, Math.max(1, width - 1)).join('')}…`;
}

/** Folds at spaces. A longer word stays uncut, to be copied. No line begins with a pipeline's command. */
export function fold(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width && !isPipelineCommand(word)) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Blanks precede the other lines. */
export function foldAfter(first: string, text: string, width: number): readonly string[] {
  const indent = widthOf(first);
  return fold(text, Math.max(20, width - indent)).map(
    (line, index) => (index === 0 ? first : ' '.repeat(indent)) + line,
  );
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Tint = keyof typeof codes;

/** Words have the meaning without colour. */
export type Paint = (text: string, ...tints: readonly Tint[]) => string;

/** SGR sequences, or none. */
export function makePaint(color: boolean): Paint {
  return (text, ...tints) =>
    color && tints.length > 0 ? `\u001b[${tints.map((tint) => codes[tint]).join(';')}m${text}\u001b[0m` : text;
}

/** Lines of a text on a terminal. */
export function heightOf(lines: readonly string[], width: number): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences take no columns
  const plain = lines.map((line) => line.replace(/\u001b\[[\d;]*m/g, ''));
  return plain.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0);
}

/** The longest text comes first. If none fits, cuts the last. */
export function firstThatFits(texts: readonly string[], width: number): string {
  return texts.find((text) => widthOf(text) <= width) ?? cut(texts.at(-1) ?? '', width);
}

/** The first list that fits into `room` lines, else the first whose first block fits: no sentence is cut. */
export function firstWhole(
  choices: readonly (readonly (readonly string[])[])[],
  room: number,
  width: number,
): readonly (readonly string[])[] {
  return (
    choices.find((blocks) => heightOf(blocks.flat(), width) <= room) ??
    choices.find(([first = []]) => heightOf(first, width) <= room) ??
    choices.at(-1) ??
    []
  );
}

/** Blocks that fit into `room` lines, at least one, and the number of the rest. */
export function fitting(
  blocks: readonly (readonly string[])[],
  room: number,
  width: number,
): { readonly lines: readonly string[]; readonly remaining: number } {
  const lines: string[] = [];
  let used = 0;
  let shown = 0;
  for (const block of blocks) {
    const height = heightOf(block, width);
    // The last line says how many are left.
    if (shown > 0 && used + height > room - (shown + 1 === blocks.length ? 0 : 1)) break;
    lines.push(...(height > room ? [...block.slice(0, Math.max(1, room - 1)), '     …'] : block));
    used += height;
    shown += 1;
  }
  return { lines, remaining: blocks.length - shown };
}
