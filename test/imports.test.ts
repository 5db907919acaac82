import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../src');
const pure = ['wire', 'pcap', 'protocol', 'scenario', 'plan', 'probe', 'judge', 'audit', 'inventory', 'lasting'];
const edges = ['sys', 'state', 'fabric', 'capture', 'inject', 'traffic', 'evidence', 'report'];
/** Folders whose code runs in helper processes, which hold raw sockets and nothing else. */
const helperRoles = ['capture', 'inject', 'traffic'];
/** The files that wire edges together. */
const wiring = ['cli.ts', 'command-line.ts', 'run.ts', 'helper.ts', 'index.ts'];
/** Folders of wiring: one file a command; one file a kind of step. */
const wiringFolders = ['commands', 'run'];

interface Import {
  readonly file: string;
  readonly line: number;
  readonly target: string;
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Every import, export-from and import() of a file, types included. */
function importsOf(path: string): readonly Import[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteral(node))
      found.push({
        file: relative(src, path),
        line: source.getLineAndCharacterOfPosition(node.pos).line + 1,
        target: node.text,
      });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = filesBelow(src);
const imports = files.flatMap(importsOf);
const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : file);
const own = imports
  .filter((each) => each.target.startsWith('.'))
  .map((each) => ({ ...each, to: relative(src, resolve(src, dirname(each.file), each.target)) }));
const show = (each: Import): string => `${each.file}:${each.line} imports ${each.target}`;
const from = (folder: string): typeof own => own.filter((each) => folderOf(each.file) === folder);

/** Circles of imports, as `a.ts → b.ts → a.ts`: where a walk along them comes to a file that it came by. */
function circles(): readonly string[] {
  const found: string[] = [];
  const walked = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '));
    else if (!walked.has(file)) {
      for (const { to } of own.filter((each) => each.file === file)) walk(to.replace(/\.js$/, '.ts'), [...path, file]);
      walked.add(file);
    }
  };
  for (const file of files) walk(relative(src, file), []);
  return found;
}

describe('import rules', () => {
  it('reads the imports at all', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(own.length).toBeGreaterThan(50);
  });

  it('names every folder of src in a rule', () => {
    const known = new Set(['model', ...pure, ...edges, ...wiringFolders]);
    expect(
      [...new Set(files.map((file) => folderOf(relative(src, file))))].filter(
        (folder) => !folder.endsWith('.ts') && !known.has(folder),
      ),
    ).toEqual([]);
  });

  it('imports own files by paths that end in .js', () => {
    expect(own.filter((each) => !each.target.endsWith('.js')).map(show)).toEqual([]);
  });

  it('lets model import nothing', () => {
    expect(
      imports.filter((each) => folderOf(each.file) === 'model' && !each.target.startsWith('./')).map(show),
    ).toEqual([]);
  });

  it.each(pure)('lets %s import model and pure folders only', (folder) => {
    expect(
      from(folder)
        .filter((each) => !['model', ...pure].includes(folderOf(each.to)))
        .map(show),
    ).toEqual([]);
  });

  it('lets pure folders use no part of Node but node:crypto', () => {
    expect(
      imports
        .filter(
          (each) =>
            pure.includes(folderOf(each.file)) && each.target.startsWith('node:') && each.target !== 'node:crypto',
        )
        .map(show),
    ).toEqual([]);
  });

  it.each(edges)('lets %s import no other edge but sys', (folder) => {
    expect(
      from(folder)
        .filter((each) => ![folder, 'sys', 'model', ...pure].includes(folderOf(each.to)))
        .map(show),
    ).toEqual([]);
  });

  it.each(helperRoles)('lets %s import its folder, protocol, sys, pcap, wire and model only', (folder) => {
    expect(
      from(folder)
        .filter((each) => ![folder, 'protocol', 'sys', 'pcap', 'wire', 'model'].includes(folderOf(each.to)))
        .map(show),
    ).toEqual([]);
  });

  it('lets nobody but the wiring files and commands import commands or wiring files', () => {
    const forbidden = own.filter(
      (each) =>
        !wiring.includes(each.file) &&
        !wiringFolders.includes(folderOf(each.file)) &&
        [...wiring.map((name) => name.replace('.ts', '.js')), ...wiringFolders].includes(folderOf(each.to)),
    );
    expect(forbidden.map(show)).toEqual([]);
  });

  it('lets no file import itself by way of others, not even for a type', () => {
    expect(circles()).toEqual([]);
  });

  it('lets nobody but cli.ts set the exit status, and a helper process its own', () => {
    const guilty = files.filter(
      (file) =>
        !['cli.ts', 'helper.ts', 'sys/helper-channel.ts'].includes(relative(src, file)) &&
        /process\.exitCode\s*=[^=]/.test(readFileSync(file, 'utf8')),
    );
    expect(guilty.map((file) => relative(src, file))).toEqual([]);
  });

  it('has no folder called utils', () => {
    expect(files.filter((file) => /\/(utils?|helpers)\//.test(file))).toEqual([]);
  });
});

describe('files', () => {
  it('have at most 400 lines', () => {
    const long = files
      .map((file) => ({ file: relative(src, file), lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  it('have kebab-case names', () => {
    expect(
      files
        .map((file) => relative(src, file))
        .filter((file) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(file)),
    ).toEqual([]);
  });
});
