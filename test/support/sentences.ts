/** A sentence of a document, or a part of a cell or of a list's item that ends with a semicolon. */
export interface Sentence {
  readonly text: string;
  readonly words: number;
}

/** Words of a text: an inline code or a link is as many as it shows. */
export function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

/** Cells of the tables of a document, without heads' rules. */
export function cellsOf(markdown: string): readonly string[] {
  return withoutCode(markdown)
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
    .flatMap((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    .map((cell) => cell.trim());
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^(```|~~~)[^]*?^\1$/gm, '').replaceAll(/<!--[^]*?-->/g, '');
}

const isItem = /^\s*([-*+]|\d+\.)\s/;

/** A line without what is no prose, and with a break before each item of a list. */
function proseOf(line: string): string {
  if (/^(#|\||!\[|$)/.test(line.trim())) return '\n';
  return isItem.test(line) ? `\n${line}` : line;
}

/** Paragraphs and items of lists, each on a line. */
function paragraphsOf(markdown: string): readonly string[] {
  return withoutCode(markdown).split('\n').map(proseOf).join(' ').split('\n');
}

const end = /(?<=[.!?]["'”’)*\]]*)\s+(?=["'“(*]*[A-Z0-9[`])/;

function shown(text: string): string {
  return text
    .replaceAll(/`[^`]*`/g, 'CODE')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<a [^>]*><\/a>/g, '');
}

/** Every sentence of a document: of its prose, and of tables and lists, where a semicolon ends one as well. */
export function sentencesOf(markdown: string): readonly Sentence[] {
  const prose = paragraphsOf(markdown).flatMap((paragraph) =>
    paragraph.split(end).flatMap((sentence) => (isItem.test(paragraph) ? sentence.split(/;\s/) : [sentence])),
  );
  const cells = cellsOf(markdown).flatMap((cell) => cell.split(end).flatMap((sentence) => sentence.split(/;\s/)));
  return [...prose, ...cells].map((text) => ({ text: text.trim(), words: wordsIn(shown(text)) }));
}
