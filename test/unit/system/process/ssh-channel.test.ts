import { describe, expect, it } from 'vitest';
import { sshCommand } from '../../../../src/system/process/ssh-channel.js';

describe('the command for another host', () => {
  it('leaves everything to ssh and its configuration, and asks nobody', () => {
    expect(sshCommand('root@hv2', ['verify-isolation', 'helper'])).toEqual([
      'ssh',
      '-T',
      '-o',
      'BatchMode=yes',
      '--',
      'root@hv2',
      'verify-isolation helper',
    ]);
  });

  it('gives the other shell every word literally, and takes no target for an option', () => {
    expect(sshCommand('-oProxyCommand=id', ['sudo', '-n', '$(id)', "it's", 'helper'])).toEqual([
      'ssh',
      '-T',
      '-o',
      'BatchMode=yes',
      '--',
      '-oProxyCommand=id',
      "sudo -n '$(id)' 'it'\\''s' helper",
    ]);
  });
});
