// `node scripts/weight.mjs [--lower]`: what the project weighs beside the ceilings of test/contract/weight.json, and its
// heaviest folders. A ceiling is lowered, never raised.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const top = fileURLToPath(new URL('..', import.meta.url));
const contract = join(top, 'test/contract/weight.json');
/** Text is counted by words above this size, so that nothing is moved out of sight. */
const textBytes = 2048;
const maxFolders = 10;

const wordsOf = (text) => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** The leaves of TypeScript's parse tree without comments; a long literal counts by its words. */
export function tokensOf(text, file = 'x.ts') {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const count = (node) => {
    const children = node.getChildren(source).filter(({ kind }) => kind !== ts.SyntaxKind.JSDoc);
    if (children.length > 0) return children.reduce((sum, child) => sum + count(child), 0);
    const width = node.getWidth(source);
    return width > textBytes ? wordsOf(node.getText(source)) : Math.min(width, 1);
  };
  return count(source);
}

/** Words of a file that is no code, if it is large. */
export const textWeightOf = (text) => (Buffer.byteLength(text) > textBytes ? wordsOf(text) : 0);

const isCode = (file) => /\.(ts|mts|mjs|js)$/.test(file);

/** What a file adds to the tokens of its folder: text that is no code counts where users or the program read it. */
function weightOf(file) {
  const text = readFileSync(join(top, file), 'utf8');
  if (isCode(file)) return tokensOf(text, file);
  return /^(src|scripts|contrib)\//.test(file) ? textWeightOf(text) : 0;
}

/** The entries of the list `commands`. */
function countCommands() {
  const file = 'src/cli/commands.ts';
  const source = ts.createSourceFile(file, readFileSync(join(top, file), 'utf8'), ts.ScriptTarget.Latest);
  const lists = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .filter(({ name }) => name.getText(source) === 'commands')
    .map(({ initializer }) => initializer.elements.length);
  return lists[0];
}

/** The measures under the names of the ceilings, and the tokens of each folder. */
export function measure() {
  const listed = execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: top,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    },
  );
  const files = [...new Set(listed.split('\0'))].filter((file) => file !== '' && existsSync(join(top, file)));
  const below = (...names) => files.filter((file) => names.includes(file.split('/')[0]));
  const folders = new Map();
  const tokensBelow = (...names) =>
    below(...names).reduce((sum, file) => {
      const tokens = weightOf(file);
      folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + tokens);
      return sum + tokens;
    }, 0);
  const documents = files.filter((file) => /^(README|CHANGELOG|docs\/[^/]+|bench\/[^/]+)\.md$/.test(file));
  const measures = {
    'tokens of src': tokensBelow('src'),
    'tokens of test': tokensBelow('test'),
    'tokens of scripts, bench and contrib': tokensBelow('scripts', 'bench', 'contrib'),
    'files of src': below('src').length,
    commands: countCommands(),
    'words of documents': documents.reduce((sum, file) => sum + wordsOf(readFileSync(join(top, file), 'utf8')), 0),
  };
  return { measures, folders };
}

export const readCeilings = () => JSON.parse(readFileSync(contract, 'utf8'));

/** The ceilings with those lowered that the measure is below. */
export const lower = (ceilings, measures) =>
  Object.fromEntries(Object.entries(ceilings).map(([name, ceiling]) => [name, Math.min(ceiling, measures[name])]));

/** A line for each measure above its ceiling. */
export const tooHeavy = (ceilings, measures) =>
  Object.entries(measures)
    .filter(([name, value]) => !(value <= ceilings[name]))
    .map(([name, value]) => `${name}: ${value}, ${value - ceilings[name]} above the ceiling ${ceilings[name]}`);

/** A line for each ceiling more than 1 % above its measure. */
export const tooHigh = (ceilings, measures) =>
  Object.entries(ceilings)
    .filter(([name, ceiling]) => !(ceiling <= measures[name] * 1.01))
    .map(([name, ceiling]) => `${name}: ${measures[name]}, ceiling ${ceiling}: node scripts/weight.mjs --lower`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { measures, folders } = measure();
  const ceilings = readCeilings();
  for (const [name, value] of Object.entries(measures))
    console.log(`${name.padEnd(40)}${String(value).padStart(9)}  ceiling ${ceilings[name]}`);
  console.log(`\nThe ${maxFolders} heaviest folders`);
  for (const [folder, tokens] of [...folders].sort(([, a], [, b]) => b - a).slice(0, maxFolders))
    console.log(`${String(tokens).padStart(9)}  ${folder}`);
  if (process.argv[2] === '--lower') writeFileSync(contract, `${JSON.stringify(lower(ceilings, measures), null, 2)}\n`);
  process.exitCode = tooHeavy(ceilings, measures).length > 0 ? 1 : 0;
}
