import {
  Composer,
  CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
} from 'yaml';
import { quote } from '../../text/escape.js';
import { type Locate, maxFaults, type Path, type ScenarioFault } from './fault.js';
import { toData } from './yaml-data.js';

export type YamlFile =
  | { readonly ok: true; readonly data: unknown; readonly locate: Locate }
  | { readonly ok: false; readonly faults: readonly ScenarioFault[] };

const maxBytes = 1024 * 1024;
/** Words and marks of YAML; a thousand endpoints take about 60,000. */
const maxLexemes = 200_000;
const deepest = 32;

/**
 * Reads one YAML 1.2 document of at most 1 MiB. Faults: tags, directives other than `%YAML 1.2`, several documents,
 * repeated keys, nesting beyond 32 levels, aliases that expand to more than 100,000 values. Never throws.
 */
export function readYaml(bytes: Uint8Array): YamlFile {
  if (bytes.length > maxBytes)
    return fault(1, 1, `the file has ${bytes.length} bytes, expected at most ${maxBytes} (1 MiB)`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fault(1, 1, 'the file is not valid UTF-8');
  }
  const lines = new LineCounter();
  const position = (offset: number): { line: number; col: number } => {
    const place = lines.linePos(offset);
    return { line: Math.max(1, place.line), col: Math.max(1, place.col) };
  };
  const { tokens, faults } = tokensOf(text, lines, position);
  if (faults.length > 0) return { ok: false, faults };
  const documents = [
    ...new Composer({
      uniqueKeys: true,
      version: '1.2',
      schema: 'core',
      merge: false,
      strict: true,
      stringKeys: true,
    }).compose(tokens, true, text.length),
  ];
  const document = documents[0];
  if (document === undefined)
    return fault(1, 1, 'the file is empty, expected a scenario that begins with "version: 1"');
  const complaints: ScenarioFault[] = [...withoutConsequences(document.errors), ...document.warnings].map((error) => ({
    ...position(error.pos[0]),
    message: `not valid YAML: ${yamlMessage(error.code, error.message)}`,
  }));
  if (complaints.length > 0) return { ok: false, faults: complaints };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return fault(1, 1, 'the file is empty, expected a scenario that begins with "version: 1"');
  }
  const data = toData(document);
  if (!data.ok)
    return { ok: false, faults: data.faults.map(({ offset, message }) => ({ ...position(offset), message })) };
  return { ok: true, data: data.data, locate: (path, part) => position(offsetOf(document, data.targets, path, part)) };
}

/** Once the text is no node, each further token is an error: only the first one counts. */
function withoutConsequences(errors: Document['errors']): Document['errors'] {
  return errors.filter(({ code }, at) => at === 0 || code !== 'UNEXPECTED_TOKEN').slice(0, maxFaults);
}

function fault(line: number, col: number, message: string): YamlFile {
  return { ok: false, faults: [{ line, col, message }] };
}

/** Finds refused parts before anything recursive sees the file: lexes and parses without composing. */
function tokensOf(text: string, lines: LineCounter, position: (offset: number) => { line: number; col: number }) {
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const faults: ScenarioFault[] = [];
  let lexemes = 0;
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    const type = CST.tokenType(lexeme);
    lexemes += 1;
    if (lexemes > maxLexemes)
      return {
        tokens,
        faults: [
          ...faults,
          { ...position(offset), message: `the file goes on after ${maxLexemes} YAML elements, expected fewer` },
        ],
      };
    if (faults.length >= maxFaults) return { tokens, faults };
    if (type === 'tag') {
      faults.push({
        ...position(offset),
        message: `YAML tags such as ${quote(lexeme)} are not allowed; a selector that begins with ! has to be put in quotes`,
      });
    } else if (type === 'directive-line' && !/^%YAML[ \t]+1\.2[ \t]*(#.*)?$/.test(lexeme)) {
      faults.push({
        ...position(offset),
        message: `the directive ${quote(lexeme)} is not allowed, expected none or "%YAML 1.2"`,
      });
    }
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > deepest)
      return {
        tokens,
        faults: [...faults, { ...position(offset), message: `nested more than ${deepest} levels deep` }],
      };
    // These three are marks of the lexer, not text of the file.
    if (type !== 'doc-mode' && type !== 'flow-error-end' && lexeme !== CST.SCALAR) offset += lexeme.length;
  }
  for (const token of parser.end()) tokens.push(token);
  const second = tokens.filter((token) => token.type === 'document')[1];
  if (second !== undefined)
    faults.push({ ...position(second.offset), message: 'a second YAML document begins here, expected one in a file' });
  return { tokens, faults };
}

function yamlMessage(code: string, message: string): string {
  if (code === 'BAD_ALIAS' || /alias/i.test(message))
    return `${quote(message)}; a selector that begins with * has to be put in quotes`;
  if (code === 'DUPLICATE_KEY') return 'this key stands here a second time, expected once';
  return quote(message.split('\n')[0] ?? '').slice(1, -1);
}

function offsetOf(
  document: Document.Parsed,
  targets: ReadonlyMap<Node, Node>,
  path: Path,
  part: 'key' | 'value',
): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = targets.get(node);
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : '') === String(step));
      if (pair === undefined) break;
      const isKey = part === 'key' && depth === path.length - 1;
      next = isKey || isEmpty(pair.value) ? pair.key : pair.value;
    } else if (isSeq(node)) {
      next = node.items[Number(step)];
    }
    if (next === undefined || next === null) break;
    node = next;
    offset = startOf(node, offset);
  }
  return path.length === 0 ? startOf(node, 0) : offset;
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null && node.source === '');
}

function startOf(node: unknown, otherwise: number): number {
  if ((isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && node.range) return node.range[0];
  return otherwise;
}
