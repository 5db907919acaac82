import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { wordsIn } from '../support/sentences.js';

const src = resolve(import.meta.dirname, '../../src');

/** The text of a literal; what a template puts in is one word. Null = it is no text. */
function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node)
    ? node.templateSpans.reduce((text, { literal }) => `${text}X${literal.text}`, node.head.text)
    : null;
}

/** Prose: four words or more, and no markup, schema or command. */
function isProse(text: string): boolean {
  return /\S \S+ \S+ \S/.test(text) && !/[<>{}=]|(^| )-\w+ -|^(tc|ip|nft) /.test(text);
}

function messagesIn(file: ts.SourceFile): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const text = textOf(node);
    if (text !== null && isProse(text)) found.push(text);
    else ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A colon or a semicolon ends a part, as in comments. */
const sentencesOf = (message: string): readonly string[] => message.split(/(?<=[.;:?!]) /);
const isClause = (sentence: string): boolean =>
  /^(what|who|whom|where|whether)\b/i.test(sentence.trim()) && !sentence.includes('?') && wordsIn(sentence) > 3;
const isLong = (sentence: string): boolean => wordsIn(sentence) > 20;

const parse = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  });

const sentences = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name))
  .flatMap((path) => messagesIn(parse(path, readFileSync(path, 'utf8'))))
  .flatMap(sentencesOf);

it('finds what it counts', () => {
  const source = "const a = 'what one observer saw there'; throw new E(`${a} is not what is wanted; do ${a} again`);";
  const found = messagesIn(parse('a.ts', source)).flatMap(sentencesOf);
  expect(found).toEqual(['what one observer saw there', 'X is not what is wanted;', 'do X again']);
  expect(found.map(isClause)).toEqual([true, false, false]);
  expect(isLong('word '.repeat(21))).toBe(true);
  expect(sentences.length).toBeGreaterThan(3000);
});

it('messages have no clause as their subject', () => {
  expect(sentences.filter(isClause)).toEqual([]);
});

it('sentences of messages have at most 20 words', () => {
  expect(sentences.filter(isLong)).toEqual([]);
});
