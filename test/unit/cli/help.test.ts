import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { helpGroups } from '../../../src/cli/help.js';

const execute = promisify(execFile);

describe('the help of a command', () => {
  // yargs renders it each time the command runs, and measuring one other character loads tables of Unicode: 20 ms.
  it.concurrent.each(helpGroups.flatMap(({ names }) => names))('is plain ASCII: %s', async (name) => {
    const { stdout } = await execute(process.execPath, ['dist/cli.cjs', name, '--help']);
    expect(stdout).toContain('verify-isolation');
    expect(stdout.match(/[^\n -~]/g)).toBeNull();
  });
});
