import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { lookInto, readLinkedDevices } from '../../../src/system/state/read-linked-devices.js';
import { earsAbove } from '../../../src/core/plan/ears.js';
import { step } from '../../support/judge/unchanged-fixture.js';
import { describeOnKernelWith, kernel } from '../../support/lab/features.js';
import { runIn } from '../../support/lab/throw-away.js';
import { needs, program, readable, root } from '../../support/needs.js';

const built = new URL('../../../build/system/state/read-linked-devices.js', import.meta.url).href;

describe('devices that stand on a bridge', needs(root, kernel('macvlan')), () => {
  let home = -1;
  let stranger: ChildProcess | null = null;
  const run = (...command: readonly string[]): void => void runIn(home, ...command);
  const indexOf = (name: string): number =>
    inNamespaceFd(home, () => {
      const { stdout } = spawnSync('ip', ['-j', 'link', 'show', 'dev', name], { encoding: 'utf8' });
      return Number(JSON.parse(stdout)[0].ifindex);
    });
  const found = (): ReturnType<typeof readLinkedDevices>['devices'] => around().devices;
  const around = (): ReturnType<typeof readLinkedDevices> => readLinkedDevices(`/proc/${process.pid}/fd/${home}`);

  beforeAll(async () => {
    home = newNamespace(disableIpv6);
    const child = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    stranger = child;
    await new Promise((resolve) => child.stdout.once('data', resolve));
    run('ip link add dev br0 up type bridge');
    run(`ip link add dev v0 type veth peer name eth0 netns ${child.pid}`);
    run('ip link set dev v0 master br0 up');
    run('ip link add link br0 name mv0 type macvlan mode bridge');
    run(`ip link set dev mv0 netns ${child.pid}`);
    run(`nsenter --net=/proc/${child.pid}/ns/net ip link set dev mv0 up`);
    run('ip link add link br0 name mv1 type macvlan mode bridge');
  });
  afterAll(() => {
    stranger?.kill('SIGKILL');
    closeSync(home);
  });

  it('are found here and in other namespaces, with what they stand on', () => {
    const br0 = indexOf('br0');
    const space = `/proc/${stranger?.pid ?? 0}/ns/net`;
    expect(found()).toContainEqual(
      expect.objectContaining({
        space,
        name: 'mv0',
        kind: 'macvlan',
        mode: 'bridge',
        lower: br0,
        master: null,
        up: true,
      }),
    );
    expect(found()).toContainEqual(
      expect.objectContaining({ space, name: 'eth0', kind: 'veth', lower: indexOf('v0'), up: false }),
    );
    expect(found()).toContainEqual(
      expect.objectContaining({ space: null, name: 'mv1', kind: 'macvlan', lower: br0, up: false }),
    );
    expect(found()).toContainEqual(expect.objectContaining({ space: null, name: 'v0', kind: 'veth', master: br0 }));
  });

  it('have the names that ip gives them, also beyond ASCII', () => {
    run('ip link add dev br-büro type bridge');
    try {
      expect(found()).toContainEqual(expect.objectContaining({ name: 'br-büro', ifindex: indexOf('br-büro') }));
    } finally {
      run('ip link del dev br-büro');
    }
  });

  it('are those of namespaces that are linked alone', () => {
    expect(
      found()
        .filter(({ space }) => space !== null)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['eth0', 'mv0']);
  });

  /** What is found while a child of that command has the macvlan; it prints a path of its namespace. */
  async function foundWith(...[program = '', ...words]: readonly string[]): Promise<ReturnType<typeof found>> {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [path] = await once(child.stdout, 'data');
      run('ip link add link br0 name mv2 type macvlan mode bridge');
      const fd = openSync(String(path).trim().replace('PID', String(child.pid)), 'r');
      run(`ip link set dev mv2 netns /proc/${process.pid}/fd/${fd}`);
      closeSync(fd);
      return found().filter(({ name }) => name === 'mv2');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  it('are found in a namespace where a thread alone lives', needs(program('python3')), async () => {
    const lines = [
      'import ctypes, threading, time',
      'libc = ctypes.CDLL(None)',
      'def apart():',
      '    libc.unshare(0x40000000)',
      '    print(f"/proc/PID/task/{threading.get_native_id()}/ns/net", flush=True)',
      '    time.sleep(60)',
      'threading.Thread(target=apart).start()',
    ];
    const devices = await foundWith('python3', '-c', lines.join('\n'));
    expect(devices).toMatchObject([{ space: expect.stringMatching(/^\/proc\/\d+\/task\/\d+\/ns\/net$/) }]);
  });

  it('are found in a namespace that is mounted where other processes do not see it', async () => {
    const script =
      'd=$(mktemp -d); mount -t tmpfs none $d; touch "$d/a b"; unshare --net="$d/a b" true; echo "/proc/PID/root$d/a b"; exec sleep 60';
    const devices = await foundWith('unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script);
    expect(devices).toMatchObject([{ space: expect.stringMatching(/^\/proc\/\d+\/root\/.*\/a b$/) }]);
  });

  it('are found by the next path where the first process has ended', () => {
    const path = `/proc/${stranger?.pid ?? 0}/ns/net`;
    const { dev, ino } = statSync(path);
    const place = { netns: `/proc/${process.pid}/fd/${home}`, fd: home };
    const ended = '/proc/4194305/ns/net';
    expect(lookInto(`${dev}:${ino}`, [ended, path], place)).toMatchObject({ path });
    expect(lookInto(`${dev}:${ino}`, [ended, '/proc/self/ns/net'], place)).toBeNull(); // gone, another one lives there
  });

  it(
    'are not known in a namespace that may not be entered, unless a user namespace is why',
    needs(readable),
    async () => {
      const user = 'setpriv --reuid 4321 --regid 4321 --clear-groups'.split(' ');
      const own = [...user, 'unshare', '--user', '--map-root-user', '--net'];
      const holder = spawn(own[0] ?? '', [...own.slice(1), 'sh', '-c', 'echo; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(holder.stdout, 'data');
      const script = `import { lookInto, readLinkedDevices } from ${JSON.stringify(built)};
      console.log(JSON.stringify(readLinkedDevices(null).unread));`;
      const unread = (words: readonly string[]): readonly string[] => {
        const argv = [...words, process.execPath, '--input-type=module', '-e', script];
        const { stdout } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', cwd: '/' });
        return JSON.parse(stdout);
      };
      try {
        const refused = `/proc/${holder.pid ?? 0}/ns/net: the kernel refuses to enter`;
        expect(unread(user).filter((text) => text.startsWith(refused))).toHaveLength(1);
        expect(unread(own)).toEqual([]);
      } finally {
        holder.kill('SIGKILL');
        await once(holder, 'exit');
      }
    },
  );
});

describeOnKernelWith(
  ['802.1Q'],
  'what stands on a VLAN device of a bridge',
  () => {
    it('is found in another namespace, and listened at', async () => {
      const home = newNamespace(disableIpv6);
      const stranger = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        await once(stranger.stdout, 'data');
        const script = [
          'ip link add br0 up type bridge; ip link add link br0 name br0.10 up type vlan id 10',
          `ip link add link br0.10 name mv0 type macvlan; ip link set mv0 netns ${stranger.pid}`,
          `nsenter --net=/proc/${stranger.pid}/ns/net ip link set mv0 up`,
        ].join('\n');
        const { stderr } = inNamespaceFd(home, () => spawnSync('sh', ['-ec', script], { encoding: 'utf8' }));
        expect(stderr).toBe('');
        const ears = earsAbove(step, readLinkedDevices(`/proc/${process.pid}/fd/${home}`).devices);
        expect(ears.map(({ observer, space }) => [observer.name, space])).toEqual([
          ['mv0@br0.10', `/proc/${stranger.pid}/ns/net`],
        ]);
      } finally {
        stranger.kill('SIGKILL');
        closeSync(home);
      }
    });
  },
  root,
);
