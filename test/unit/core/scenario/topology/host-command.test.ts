import { describe, expect, it } from 'vitest';
import { isHelperCommand } from '../../../../../src/core/scenario/topology/read-hosts.js';

describe('what a host may be told to start', () => {
  it.each([
    [['verify-isolation']],
    [['/usr/bin/verify-isolation']],
    [['/opt/verify-isolation-1.2/bin/verify-isolation']],
    [['sudo', '-n', 'verify-isolation']],
    [['sudo', '-n', '/usr/local/bin/verify-isolation']],
    [['doas', '-n', 'verify-isolation']],
  ])('is this program: %j', (command) => expect(isHelperCommand(command)).toBe(true));
  it.each([
    [[]],
    [['']],
    [['sh']],
    [['poweroff']],
    [['sh', '-c', 'verify-isolation']],
    [['sudo', 'verify-isolation']],
    [['sudo', '-n', 'sh']],
    [['sudo', '-n', '-u', 'verify-isolation']],
    [['env', 'X=1', 'verify-isolation']],
    [['bin/verify-isolation']],
    [['./verify-isolation']],
    [['/opt/../tmp/verify-isolation']],
    [['/tmp/a b/verify-isolation']],
    [['verify-isolation', 'x']],
    [['verify-isolation;reboot']],
  ])('is nothing else: %j', (command) => expect(isHelperCommand(command)).toBe(false));
});
