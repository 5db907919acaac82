import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../support/scratch.js';

const project = scratchFolder('verify-isolation-types');

/**
 * What the compiler says of programs of somebody else's that use the library, and of its declarations: codes and
 * messages by file. The declarations that come with the compiler are not checked.
 */
function compile(programs: Readonly<Record<string, string>>): Readonly<Record<string, readonly string[]>> {
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  symlinkSync(resolve('.'), join(project, 'node_modules/verify-isolation'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
  const files = Object.entries(programs).map(([name, text]) => {
    const path = join(project, `${name}.ts`);
    writeFileSync(path, text);
    return path;
  });
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  };
  // Types that are there without an import are looked for from here on.
  const host = { ...ts.createCompilerHost(options), getCurrentDirectory: () => project };
  const program = ts.createProgram({ rootNames: files, options, host });
  const said = (diagnostics: readonly ts.Diagnostic[]): readonly string[] =>
    diagnostics.map(({ code, messageText }) => `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
  return {
    options: said([...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()]),
    ...Object.fromEntries(
      program
        .getSourceFiles()
        .filter((file) => !program.isSourceFileDefaultLibrary(file))
        .map((file) => [
          basename(file.fileName),
          said([...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
        ]),
    ),
  };
}

const use = `
import { audit, loadScenario, plan, replay, report, run, VerifyError } from 'verify-isolation';
import type { AuditId, AuditReport, CauseCode, Finding, Plan, ProgressEvent, ReasonCode, Result, Scenario } from 'verify-isolation';
const leaks = (result: Result): readonly Finding[] => result.steps.flatMap((step) => step.findings.filter((finding) => finding.leak));
export const result: Promise<readonly Finding[]> = run('s.yml', { out: 'x', engine: 'libpcap', signal: new AbortController().signal }).then(leaks);
export const scenario: Promise<Scenario> = loadScenario('s.yml', { count: 3 });
export const exit = (error: unknown): number => (error instanceof VerifyError ? error.exitCode : 70);
export const again: Promise<Result> = replay('x');
export const events: ProgressEvent[] = [];
export const loaded: Promise<Result> = scenario.then((one) => run(one, { out: 'y', onProgress: (event) => void events.push(event) }));
export const planned: Promise<Plan> = plan('s.yml');
export const audited: Promise<AuditReport> = audit({ bridge: 'br0' });
export const page: Promise<string> = report('x', 'html');
export const codes: readonly [CauseCode, ReasonCode, AuditId] = ['ageing-zero', 'frames-dropped', 'unknown-flood'];
`;

const compiled = compile({
  use,
  engine: `${use}void run('s.yml', { out: 'x', engine: 'none' });\n`,
  code: `${use}export const code: CauseCode = 'no-such-cause';\n`,
  format: `${use}void report('x', 'pdf');\n`,
});

describe('the declarations of the library', () => {
  it('are one file', () => {
    expect(readdirSync('dist/types', { recursive: true })).toEqual(['index.d.ts']);
  });

  it('are what a strict project compiles against, which checks them too and has no other types', () => {
    expect(compiled).toMatchObject({ options: [], 'index.d.ts': [], 'use.ts': [] });
    expect(Object.keys(compiled).sort()).toEqual([
      'code.ts',
      'engine.ts',
      'format.ts',
      'index.d.ts',
      'options',
      'use.ts',
    ]);
  });

  it('refuse what the library does not take', () => {
    expect(compiled).toMatchObject({
      'engine.ts': [expect.stringMatching(/^TS2322: /)],
      'code.ts': [expect.stringMatching(/^TS2322: /)],
      'format.ts': [expect.stringMatching(/^TS2345: /)],
    });
  });
});
