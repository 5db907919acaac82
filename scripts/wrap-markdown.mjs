// Lays out the prose of Markdown files: one sentence a line, and a longer one broken after a clause, at 120 columns.
// So a change of a sentence is a change of its line. Tables, code, headings and pictures stay as they are.
//
//   wrap-markdown.mjs [--check]     the Markdown files of the checkout; those below captures/ are evidence and stay
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const columns = 120;
/** A line broken before one of these would begin a list, a heading, a quotation or a table. */
const startsBlock = /^([-+*>#|]|\d+[.)])/;
const abbreviation = /(^|[\s(])(e\.g|i\.e|cf|vs|No|St)\.$/;

/** The words of a paragraph. What a space must not part (inline code, a link with its text) is one word. */
function wordsOf(text) {
  return text.match(/(?:`[^`]*`|!?\[(?:[^\]`]|`[^`]*`)*\](?:\([^)]*\))?|\S)+/g) ?? [];
}

/** Whether a sentence ends with `word`, where `next` comes after it. */
function endsSentence(word, next) {
  return /[.!?]["'”’)*\]]*$/.test(word) && !abbreviation.test(word) && /^["'“(*]*[A-Z`[]/.test(next);
}

/** A sentence in lines of at most `width` columns: after its last clause that fits, else after its last word. */
function breakSentence(words, width) {
  const lines = [];
  let line = [];
  const lengthOf = (list) => list.join(' ').length;
  for (const word of words) {
    if (line.length > 0 && lengthOf(line) + 1 + word.length > width) {
      const clause = line.findLastIndex((each) => /[,;:]["')*]*$/.test(each)) + 1;
      let end = lengthOf(line.slice(0, clause)) > width / 2 ? clause : line.length;
      while (end > 1 && startsBlock.test(line[end] ?? word)) end -= 1;
      lines.push(line.slice(0, end).join(' '));
      line = line.slice(end);
    }
    line.push(word);
  }
  return [...lines, line.join(' ')];
}

function sentencesOf(words) {
  const sentences = [[]];
  words.forEach((word, index) => {
    sentences.at(-1).push(word);
    const next = words[index + 1];
    if (next !== undefined && endsSentence(word, next) && !startsBlock.test(next)) sentences.push([]);
  });
  return sentences;
}

/** The text of a Markdown file with its prose laid out. Doing it again changes nothing. */
export function wrapMarkdown(text) {
  const lines = [];
  let paragraph = null;
  let fence = null;
  const flush = () => {
    if (paragraph === null) return;
    const { prefix, hang, words } = paragraph;
    const broken = sentencesOf(words).flatMap((sentence) => breakSentence(sentence, columns - hang.length));
    lines.push(...broken.map((line, index) => `${index === 0 ? prefix : hang}${line}`));
    paragraph = null;
  };
  for (const line of text.split('\n')) {
    const mark = /^\s*(```|~~~)/.exec(line)?.[1];
    if (fence !== null || mark !== undefined) {
      flush();
      lines.push(line);
      if (mark !== undefined) fence = fence === null ? mark : null;
      continue;
    }
    const [, prefix = '', rest = ''] = /^(\s*(?:(?:[-*+]|\d+\.)\s+)?)(.*)$/.exec(line) ?? [];
    if (rest === '' || /^(#|\||<|>|!\[|\[[^\]]+\]:|---)/.test(rest) || /\s{2}$/.test(line)) {
      flush();
      lines.push(line);
    } else if (paragraph === null || /\S/.test(prefix)) {
      flush();
      paragraph = { prefix, hang: ' '.repeat(prefix.length), words: wordsOf(rest) };
    } else paragraph.words.push(...wordsOf(rest));
  }
  flush();
  return lines.join('\n');
}

/** Markdown files of the checkout, as paths from its top: those of its folders that hold sources. */
function markdownBelow(top) {
  const folders = ['bench', 'contrib', 'docs', 'scenarios', 'scripts', 'src', 'test'];
  const below = folders.flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  return [...readdirSync(top), ...below].filter((name) => name.endsWith('.md')).sort();
}

function main() {
  const top = fileURLToPath(new URL('..', import.meta.url));
  const check = process.argv.includes('--check');
  for (const file of markdownBelow(top)) {
    const text = readFileSync(join(top, file), 'utf8');
    const wrapped = wrapMarkdown(text);
    if (wrapped === text) continue;
    if (!check) {
      writeFileSync(join(top, file), wrapped);
      continue;
    }
    const lines = text.split('\n');
    const at = wrapped.split('\n').findIndex((line, index) => line !== lines[index]);
    console.error(`${file}:${at + 1}: not laid out; npm run format does it`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
