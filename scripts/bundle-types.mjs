// Rolls the declarations that tsc makes of every module up into one file: those of what the library exports, and of
// what these name.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import ts from 'typescript';

const quiet = { default: { logLevel: 'none' } };

/**
 * Copies the declarations of a folder, and writes what one module adds to an interface of another (`declare module`) into
 * that interface: the extractor takes an interface from the file that declares it first, and from no other.
 */
function mergeDeclarations(from, to) {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  const added = new Map();
  for (const name of readdirSync(to, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const path = join(to, name);
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    for (const module of source.statements.filter(ts.isModuleDeclaration)) {
      const target = join(dirname(path), module.name.text.replace(/\.js$/, '.d.ts'));
      for (const part of module.body.statements.filter(ts.isInterfaceDeclaration)) {
        const members = part.members.map((member) => member.getText(source));
        added.set(target, [...(added.get(target) ?? []), { name: part.name.text, members }]);
      }
    }
  }
  for (const [path, parts] of added) {
    let text = readFileSync(path, 'utf8');
    for (const { name, members } of parts) {
      const head = `interface ${name} {`;
      if (!text.includes(head)) throw new Error(`${path}: interface ${name} is not there to be added to`);
      text = text.replace(head, () => `${head}\n${members.map((member) => `    ${member}\n`).join('')}`);
    }
    writeFileSync(path, text);
  }
}

/** Writes the types that `from` exports to `to`, in place of all that is in its folder. */
export function bundleTypes(from, to) {
  rmSync(resolve(to, '..'), { recursive: true, force: true });
  const merged = resolve(dirname(from), '../merged-types');
  mergeDeclarations(dirname(from), merged);
  const entry = join(merged, basename(from));
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: resolve('.'),
      mainEntryPointFilePath: entry,
      compiler: {
        // Who uses the library need not have the types of Node: AbortSignal is the browser's as well.
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2022',
            lib: ['ES2022', 'DOM'],
            module: 'NodeNext',
            moduleResolution: 'NodeNext',
            strict: true,
            types: [],
          },
          files: [entry],
        },
      },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      tsdocMetadata: { enabled: false },
      dtsRollup: { enabled: true, untrimmedFilePath: resolve(to) },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // They ask for tags in comments that only readers of API reports need.
        extractorMessageReporting: quiet,
        tsdocMessageReporting: quiet,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve('package.json'),
  });
  const { succeeded } = Extractor.invoke(config, {
    messageCallback: (message) => {
      if (message.logLevel === 'info' || message.logLevel === 'verbose') message.handled = true;
    },
  });
  if (!succeeded) throw new Error(`${from}: its types could not be rolled up`);
  rmSync(merged, { recursive: true, force: true });
}
