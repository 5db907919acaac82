import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const project = mkdtempSync(join(tmpdir(), 'verify-isolation-types-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** What tsc says of a program of somebody else's that uses the library. */
function compile(text: string): string {
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  rmSync(join(project, 'node_modules/verify-isolation'), { force: true });
  symlinkSync(resolve('.'), join(project, 'node_modules/verify-isolation'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(project, 'use.ts'), text);
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
  const modern = ['--module', 'nodenext', '--target', 'es2022'];
  const { stdout } = spawnSync(
    process.execPath,
    [resolve('node_modules/typescript/bin/tsc'), ...strict, ...modern, 'use.ts'],
    { cwd: project, encoding: 'utf8' },
  );
  return stdout;
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

describe('the declarations of the library', () => {
  it('are one file', () => {
    expect(readdirSync('dist/types', { recursive: true })).toEqual(['index.d.ts']);
  });

  it('are what a strict project compiles against, which checks them too and has no other types', () => {
    expect(compile(use)).toBe('');
  });

  it('refuse what the library does not take', () => {
    expect(compile(`${use}void run('s.yml', { out: 'x', engine: 'none' });\n`)).toContain('TS2322');
    expect(compile(`${use}export const code: CauseCode = 'no-such-cause';\n`)).toContain('TS2322');
    expect(compile(`${use}void report('x', 'pdf');\n`)).toContain('TS2345');
  });
});
