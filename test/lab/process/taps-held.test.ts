import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { tapsHeldBy } from '../../../src/system/process/socket-holders.js';
import { file, needs, root } from '../../support/needs.js';

const hold = `
import fcntl, struct, sys, time
tap = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH', b'vnet9', 0x1002))
print('held', flush=True)
time.sleep(60)`;

it(
  'a process has the tap of a namespace, and not one of the same name in another',
  needs(root, file('/usr/bin/python3'), file('/dev/net/tun')),
  async () => {
    const [home, elsewhere] = [newNamespace(disableIpv6), newNamespace(disableIpv6)];
    const holders: ChildProcess[] = [];
    try {
      const pidIn = async (fd: number): Promise<number> => {
        const child = inNamespaceFd(fd, () => spawn('/usr/bin/python3', ['-c', hold]));
        holders.push(child);
        await once(child.stdout, 'data');
        return child.pid ?? 0;
      };
      const [here, there] = [await pidIn(home), await pidIn(elsewhere)];
      const spaces = new Set([fstatSync(home).ino]);
      expect(tapsHeldBy(here, spaces)).toEqual({ names: ['vnet9'], numbers: [] });
      expect(tapsHeldBy(there, spaces)).toEqual({ names: [], numbers: [] });
      // the tap has gone to the bridges, its process has not
      const move = inNamespaceFd(elsewhere, () =>
        spawn('ip', ['link', 'set', 'dev', 'vnet9', 'name', 'vnet8', 'netns', `/proc/${process.pid}/fd/${home}`]),
      );
      expect(await once(move, 'close')).toEqual([0, null]);
      expect(tapsHeldBy(there, spaces)).toEqual({ names: ['vnet8'], numbers: [] });
    } finally {
      for (const child of holders) child.kill('SIGKILL');
      for (const fd of [home, elsewhere]) closeSync(fd);
    }
  },
);
