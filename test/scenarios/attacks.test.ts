import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseResult } from './parse-result.js';

const top = resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'attacks-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const files = ['attacks', 'hardening'].flatMap((folder) => readdirSync(join(top, 'scenarios', folder)).filter((name) => name.endsWith('.yml')).map((name) => `${folder}/${name}`));

function run(file: string): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done, fail) => {
    const out = join(scratch, file.replaceAll(/[/.]/g, '-'));
    const child = spawn(process.execPath, [join(top, 'dist/cli.js'), 'run', join(top, 'scenarios', file), '--json', '--quiet', '--out', out]);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', fail);
    child.on('close', (status) => done({ status, stdout, stderr }));
  });
}

describe.skipIf(process.getuid?.() !== 0)('scenarios of attacks and of what stops them, on this kernel', () => {
  it.concurrent.each(files)('%s comes out as it says, or names the feature that the kernel lacks', async (file) => {
    const { status, stdout, stderr } = await run(file);
    if (status === 69) {
      expect(stderr + stdout).toMatch(/does not support it: .+: .+|does not know .+\..+/);
      return;
    }
    const surprises = parseResult(stdout).steps.filter((step) => !step.asExpected).map(({ name, verdict, reasons }) => ({ name, verdict, reasons }));
    expect({ status, surprises, stderr }).toEqual({ status: 0, surprises: [], stderr: '' });
  }, 120_000);
});
