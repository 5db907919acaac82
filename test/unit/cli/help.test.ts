import { describe, expect, it } from 'vitest';
import { helpGroups } from '../../../src/cli/help.js';
import { callHere } from '../../support/call-here.js';

describe('the help of a command', () => {
  // yargs renders it each time the command runs, and measuring one other character loads tables of Unicode: 20 ms.
  it.each(helpGroups.flatMap(({ names }) => names))('is plain ASCII: %s', async (name) => {
    const { stdout } = await callHere(name, '--help');
    expect(stdout).toContain('verify-isolation');
    expect(stdout.match(/[^\n -~]/g)).toBeNull();
  });
});
