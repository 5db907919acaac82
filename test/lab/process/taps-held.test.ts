import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { tapsHeldBy } from '../../../src/system/process/socket-holders.js';
import { kernel } from '../../support/lab/features.js';
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
      expect(tapsHeldBy(here, spaces)).toEqual(['vnet9']);
      expect(tapsHeldBy(there, spaces)).toEqual([]);
      // the tap has gone to the bridges, its process has not
      const move = inNamespaceFd(elsewhere, () =>
        spawn('ip', ['link', 'set', 'dev', 'vnet9', 'name', 'vnet8', 'netns', `/proc/${process.pid}/fd/${home}`]),
      );
      expect(await once(move, 'close')).toEqual([0, null]);
      expect(tapsHeldBy(there, spaces)).toEqual(['vnet8']);
    } finally {
      for (const child of holders) child.kill('SIGKILL');
      for (const fd of [home, elsewhere]) closeSync(fd);
    }
  },
);

it(
  'a queue of a macvtap is known by the number of its device, under whatever path it was opened',
  needs(root, kernel('macvtap')),
  () => {
    const files = new URL('../../../build/system/kernel/proc-files.js', import.meta.url).href;
    const say = `import { devicesOf, tapDevice } from ${JSON.stringify(files)};
      const [ifindex, pid] = process.argv.slice(1).map(Number);
      const number = tapDevice({ name: 'mt0', kind: 'macvtap', ifindex });
      const others = [{ name: 'mt1', ifindex }, { name: 'mt0', ifindex: ifindex + 1 }, { name: 'mt0', kind: 'tun', ifindex }];
      console.log(JSON.stringify([/^\\d+:\\d+$/.test(number), devicesOf(String(pid)).includes(number),
        others.map((other) => tapDevice({ kind: 'macvtap', ...other }))]));`;
    const script = `
      mount -t sysfs sysfs /sys; mount -t tmpfs -o dev tmpfs /mnt
      ip link add v0 type veth peer name v1; ip link add link v0 name mt0 type macvtap mode bridge
      n=$(cat /sys/class/net/mt0/ifindex); IFS=: read -r major minor </sys/class/net/mt0/macvtap/tap$n/dev
      mknod /mnt/hidden c $major $minor; exec 9<>/mnt/hidden
      ${JSON.stringify(process.execPath)} --input-type=module -e "$SAY" $n $$`;
    const env = { ...process.env, SAY: say };
    const said = execFileSync('unshare', ['--net', '--mount', 'sh', '-ec', script], { encoding: 'utf8', env });
    expect(JSON.parse(said)).toEqual([true, true, [null, null, null]]);
  },
);
