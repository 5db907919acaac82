import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../../src');
/** What each part may import; itself always. Pure is what lies in core or report. */
const parts: Readonly<Record<string, readonly string[]>> = {
  core: [],
  report: ['core'],
  system: ['core'],
  run: ['core', 'system'],
  cli: ['core', 'system', 'report', 'run'],
};
const entries = ['cli.ts', 'confined.ts', 'helper.ts', 'index.ts'];
/** Folders whose code runs in helper processes, which hold raw sockets and nothing else, and what they may import besides. */
const helperRoles = ['system/capture', 'system/inject', 'system/traffic'];
const ofHelpers = [
  'core/model',
  'core/pcap',
  'core/protocol',
  'core/text',
  'core/wire',
  'system/kernel',
  'system/process',
  'system/machine',
];

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
function importsOf(source: ts.SourceFile): readonly Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteral(node))
      found.push({
        file: relative(src, source.fileName),
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

/** Names of what a file declares and exports. */
function exportsOf(source: ts.SourceFile): readonly string[] {
  return source.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText(source));
    return 'name' in statement && statement.name !== undefined
      ? [(statement as ts.DeclarationStatement).name?.getText(source) ?? '']
      : [];
  });
}

const files = filesBelow(src);
const sources = files.map((path) =>
  ts.createSourceFile(path, readFileSync(path, 'utf8'), {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  }),
);
const imports = sources.flatMap(importsOf);
const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : file);
/** A part of core or system: `core/judge`; else the part itself. */
const areaOf = (file: string): string =>
  ['core', 'system'].includes(folderOf(file)) ? file.split('/').slice(0, 2).join('/') : folderOf(file);
const local = imports
  .filter((each) => each.target.startsWith('.'))
  .map((each) => ({ ...each, to: relative(src, resolve(src, dirname(each.file), each.target)) }));
const show = (each: Import): string => `${each.file}:${each.line} imports ${each.target}`;
const from = (folder: string): typeof local => local.filter((each) => folderOf(each.file) === folder);

/** Circles of imports, as `a.ts → b.ts → a.ts`: where a walk along them comes to a file that it came by. */
function circles(): readonly string[] {
  const found: string[] = [];
  const walked = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '));
    else if (!walked.has(file)) {
      for (const { to } of local.filter((each) => each.file === file))
        walk(to.replace(/\.js$/, '.ts'), [...path, file]);
      walked.add(file);
    }
  };
  for (const file of files) walk(relative(src, file), []);
  return found;
}

describe('import rules', () => {
  it('reads the imports at all', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(local.length).toBeGreaterThan(50);
  });

  it('names every folder of src in a rule', () => {
    const known = new Set([...Object.keys(parts), ...entries]);
    expect(
      [...new Set(files.map((file) => folderOf(relative(src, file))))].filter((folder) => !known.has(folder)),
    ).toEqual([]);
  });

  it('imports own files by paths that end in .js', () => {
    expect(local.filter((each) => !each.target.endsWith('.js')).map(show)).toEqual([]);
  });

  it('lets model import nothing', () => {
    expect(
      imports.filter((each) => areaOf(each.file) === 'core/model' && !each.target.startsWith('./')).map(show),
    ).toEqual([]);
  });

  it.each(Object.entries(parts))('lets %s import no part but %j', (part, others) => {
    expect(
      from(part)
        .filter((each) => ![part, ...others].includes(folderOf(each.to)))
        .map(show),
    ).toEqual([]);
  });

  it('lets core use no part of Node but node:crypto', () => {
    expect(
      imports
        .filter(
          (each) => folderOf(each.file) === 'core' && each.target.startsWith('node:') && each.target !== 'node:crypto',
        )
        .map(show),
    ).toEqual([]);
  });

  it.each(helperRoles)('lets %s import itself and what helpers may only', (folder) => {
    expect(
      local
        .filter((each) => areaOf(each.file) === folder && ![folder, ...ofHelpers].includes(areaOf(each.to)))
        .map(show),
    ).toEqual([]);
  });

  it('lets no two areas import each other', () => {
    const edges = new Set(local.map((each) => `${areaOf(each.file)} ${areaOf(each.to)}`));
    expect(
      [...edges].filter((edge) => {
        const [a = '', b = ''] = edge.split(' ');
        return a < b && edges.has(`${b} ${a}`);
      }),
    ).toEqual([]);
  });

  it('lets no two folders import each other, but for a folder and one below it', () => {
    const isBelow = (a: string, b: string): boolean => a === '.' || b.startsWith(`${a}/`);
    const edges = new Set(
      local
        .map((each) => `${dirname(each.file)} ${dirname(each.to)}`)
        .filter((edge) => new Set(edge.split(' ')).size > 1),
    );
    const mutual = [...edges].filter((edge) => {
      const [a = '', b = ''] = edge.split(' ');
      return a < b && edges.has(`${b} ${a}`) && !isBelow(a, b) && !isBelow(b, a);
    });
    expect(mutual).toEqual([]);
  });

  it('lets no file import itself by way of others, not even for a type', () => {
    expect(circles()).toEqual([]);
  });

  it('lets nobody but cli.ts set the exit status, and a process that it starts its own', () => {
    const guilty = files.filter(
      (file) =>
        !['cli.ts', 'confined.ts', 'helper.ts', 'system/process/helper-channel.ts'].includes(relative(src, file)) &&
        /process\.exitCode\s*=[^=]/.test(readFileSync(file, 'utf8')),
    );
    expect(guilty.map((file) => relative(src, file))).toEqual([]);
  });

  it('gives no name to two things: what two files export under one name', () => {
    const exporters = new Map<string, string[]>();
    // index.ts is the library's face: it has its own `loadScenario` and `runScenario` for what the program's do.
    for (const source of sources.filter(({ fileName }) => relative(src, fileName) !== 'index.ts'))
      for (const name of exportsOf(source))
        exporters.set(name, [...(exporters.get(name) ?? []), relative(src, source.fileName)]);
    expect([...exporters].filter(([, places]) => places.length > 1)).toEqual([]);
  });

  it('has no folder called utils', () => {
    expect(files.filter((file) => /\/(utils?|helpers)\//.test(file))).toEqual([]);
  });
});

describe('files', () => {
  it('are laid out by the formatter, at 120 columns, and Markdown by ours', () => {
    for (const argv of [
      ['node_modules/@biomejs/biome/bin/biome', 'format', '.'],
      ['scripts/wrap-markdown.mjs', '--check'],
    ]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
        cwd: resolve(src, '..'),
        encoding: 'utf8',
      });
      expect({ argv, status, told: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ argv, status: 0, told: '' });
    }
  });

  it('have kebab-case names', () => {
    expect(
      files
        .map((file) => relative(src, file))
        .filter((file) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(file)),
    ).toEqual([]);
  });
});
