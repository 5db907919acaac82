import { spawn, spawnSync } from 'node:child_process';
import { runIn } from '../../support/lab/throw-away.js';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostState } from '../../../src/core/model/state.js';
import { type Fields, fieldsOf } from '../../../src/core/text/json-text.js';
import { readFeatures, withEthtool } from '../../../src/system/kernel/ethtool.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { bypassesIn } from '../../../src/core/bridge/bypass/bypasses.js';
import { helperPath } from '../../../src/system/process/helper-command.js';
import { programEnv } from '../../../src/system/process/programs.js';
import { readHardware } from '../../../src/system/state/read-devices.js';
import { readState } from '../../../src/system/state/read.js';
import { kernel } from '../../support/lab/features.js';
import { alone, file, type Missing, needs, program, readable, root } from '../../support/needs.js';

const built = new URL('../../../build/system/state/read.js', import.meta.url).href;
const tools = fileURLToPath(new URL('../../system/adversary/tools/attack.py', import.meta.url));

/** Whether this kernel takes rules of iptables-legacy. */
const legacy: Missing =
  root === null && spawnSync('unshare', ['--net', '/usr/bin/python3', tools, 'legacy', '4', 'TEE', 'end']).status === 0
    ? null
    : 'this kernel has no iptables-legacy';

/** Whether this kernel takes programs of BPF at netfilter's hooks (Linux 6.4, CONFIG_NETFILTER_BPF_LINK). */
const netfilterLink: Missing =
  alone ??
  (root === null && spawnSync('timeout', ['1', '/usr/bin/python3', tools, 'netfilter']).stdout.includes('ready')
    ? null
    : 'this kernel takes no programs of BPF at the hooks of netfilter');

const ebtables: Missing = program('ebtables-legacy') ?? kernel("ebtables-legacy's table nat");

/** What no earlier snapshot showed, made on a real kernel. */
describe('a snapshot of the state', needs(root), () => {
  let namespace = -1;
  const netns = (): string => `/proc/${process.pid}/fd/${namespace}`;
  const run = (...command: readonly string[]): void => void runIn(namespace, ...command);
  const state = (): ReturnType<typeof readState> =>
    readState({ netns: netns(), sysfs: false, sysctl: [], packetSockets: true });
  const filters = async (): Promise<Fields | null> => fieldsOf(fieldsOf((await state()).tc)?.['filters']);
  /** Starts a tool of the adversary, runs `then`, and ends it. */
  async function during(words: readonly string[], then: () => Promise<void>): Promise<void> {
    const tool = inNamespaceFd(namespace, () =>
      spawn('/usr/bin/python3', [tools, ...words], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    try {
      await new Promise<void>((resolve, reject) => {
        tool.stdout?.once('data', () => resolve());
        tool.once('exit', () => reject(new Error(`${words.join(' ')} ended`)));
      });
      await then();
    } finally {
      tool.removeAllListeners('exit');
      tool.kill('SIGKILL');
    }
  }
  beforeAll(() => {
    namespace = newNamespace(disableIpv6);
    run('ip link add dev br0 type bridge');
    run('ip link add dev v0 type veth peer name v1');
    run('ip link set dev v0 master br0 up');
    run('ip link set dev v1 up');
  });
  afterAll(() => closeSync(namespace));

  it('has the other end of a veth that is in the same namespace', async () => {
    expect((await state()).links.find(({ name }) => name === 'v0')?.lower).toBe('v1');
  });

  it(
    'has filters that hang on fq_codel, and asks no device that has none',
    needs(kernel('the queueing discipline fq_codel')),
    async () => {
      run('tc qdisc add dev v0 root handle 1: fq_codel');
      run('tc qdisc add dev v1 root fq_codel');
      expect((await state()).tc).toMatchObject({ filters: {} });
      const filter = ['filter', 'add', 'dev', 'v0', 'parent', '1:', 'protocol', 'all', 'u32', 'match', 'u32', '0', '0'];
      run('tc', ...filter, 'action', 'mirred', 'egress', 'mirror', 'dev', 'v1');
      const { tc } = await state();
      expect(JSON.stringify(tc)).toContain('"to_dev":"v1"');
      expect(tc).toHaveProperty(['filters', 'v0 root']);
      expect(tc).not.toHaveProperty(['filters', 'v1 root']);
      run('tc qdisc del dev v0 root');
    },
  );

  it(
    'has rules of iptables-legacy, which nft does not list, with what they do beyond a verdict',
    needs(legacy),
    async () => {
      expect(await state()).not.toHaveProperty('legacyTables');
      const tables = async (): Promise<HostState['legacyTables']> => (await state()).legacyTables;
      await during(['legacy', '4', 'TEE'], async () =>
        expect(await tables()).toEqual([
          {
            ...{ program: 'iptables-legacy', table: 'raw', rules: 1, targets: ['TEE'], matches: [] },
            copies: [{ chain: 'PREROUTING', number: 1, gateway: '10.9.9.9', matches: [] }],
          },
        ]),
      );
      await during(['legacy', '6', 'DROP'], async () =>
        expect((await tables())?.[1]).toEqual({
          ...{ program: 'ip6tables-legacy', table: 'raw', rules: 1, targets: [], matches: [] },
        }),
      );
    },
  );

  it(
    'has rules of ebtables-legacy, and loads no module to find that there are none',
    needs(ebtables, file('/proc/modules')),
    async () => {
      const modules = (): readonly string[] =>
        [...readFileSync('/proc/modules', 'utf8').matchAll(/^ebtable_\w+/gm)].map(([name]) => name).sort();
      const before = modules();
      const tables = async (): Promise<HostState['legacyTables']> => (await state()).legacyTables;
      const ofBridge = async () => ((await tables()) ?? []).filter(({ program: by }) => by === 'ebtables-legacy');
      expect(await ofBridge()).toEqual([]);
      expect(modules()).toEqual(before);
      run('ebtables-legacy -t nat -A PREROUTING -j DROP');
      expect(await ofBridge()).toEqual([{ program: 'ebtables-legacy', table: 'nat', rules: 1, targets: null }]);
      run('ebtables-legacy -t nat -F PREROUTING');
      expect(await ofBridge()).toEqual([]);
    },
  );

  it('asks the kernel for tables of nf_tables where there is no program nft', needs(program('nft')), async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-nft-'));
    const env = programEnv();
    const path = env['PATH'] ?? '';
    for (const name of ['ip', 'bridge', 'tc'])
      symlinkSync(spawnSync('which', [name], { env, encoding: 'utf8' }).stdout.trim(), join(folder, name));
    const without = async (): Promise<HostState> => {
      env['PATH'] = folder;
      try {
        return await state();
      } finally {
        env['PATH'] = path;
      }
    };
    try {
      run('nft add table inet empty');
      expect(await without()).toMatchObject({ nft: null, unread: [] });
      run('nft add table netdev copies');
      run('nft add chain netdev copies ingress');
      expect(await without()).toMatchObject({
        nft: null,
        unread: [
          { what: 'nft', why: expect.stringMatching(/^nf_tables has netdev copies, and .*nft is not installed/) },
        ],
      });
    } finally {
      run('nft flush ruleset');
      rmSync(folder, { recursive: true });
    }
  });

  it('names what an ordinary user may not read, and lacks nothing in namespaces of that user', needs(readable), () => {
    const user = 'setpriv --reuid 4321 --regid 4321 --clear-groups'.split(' ');
    const script = `import { readState } from ${JSON.stringify(built)};
      const { unread } = await readState({ netns: null, sysfs: false, sysctl: [], packetSockets: true });
      console.log(JSON.stringify(unread.map(({ what }) => what)));`;
    const unread = (...words: readonly string[]): unknown => {
      const argv = [...words, process.execPath, '--input-type=module', '-e', script];
      const { stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', cwd: '/' });
      return stdout === '' ? stderr : JSON.parse(stdout);
    };
    expect(unread('unshare', '--net')).toEqual([]);
    expect(unread(...user)).toContain('nft');
    expect(unread(...user)).toContain('log groups');
    const own = [...user, 'unshare', '--user', '--map-root-user'];
    expect(unread(...own, '--net')).toEqual([]);
    expect(unread(...own, 'unshare', '--net')).toEqual([]);
  });

  it('knows features of a device by the names of ethtool, as they are switched', () => {
    const [setReceive, getReceive] = [0x2c, 0x2b]; // ETHTOOL_SGRO, ETHTOOL_GGRO
    const has = (): boolean => readFeatures(netns(), ['v0'])['v0']?.includes('rx-gro') ?? false;
    for (const wanted of [1, 0, 1]) {
      expect(withEthtool(netns(), (ask) => [ask('v0', setReceive, wanted), ask('v0', getReceive, 0)])[1]).toBe(wanted);
      expect(has()).toBe(wanted === 1);
    }
    expect(readFeatures(netns(), ['nothing0'])).toEqual({});
    // no hardware is behind a veth
    expect(readHardware(netns(), [{ name: 'v0', kind: 'veth' }])).toEqual({});
  });

  it('has filters of a class', needs(kernel('the queueing discipline htb')), async () => {
    run('tc qdisc add dev v0 root handle 1: htb');
    run('tc class add dev v0 parent 1: classid 1:1 htb rate 1gbit');
    expect(Object.keys((await filters()) ?? {})).toEqual(['v0 root']);
    const filter = ['filter', 'add', 'dev', 'v0', 'parent', '1:1', 'protocol', 'all', 'u32', 'match', 'u32', '0', '0'];
    run('tc', ...filter, 'action', 'mirred', 'egress', 'mirror', 'dev', 'v1');
    expect(JSON.stringify((await filters())?.['v0 1:1'])).toContain('"to_dev":"v1"');
    run('tc qdisc del dev v0 root');
  });

  it('has programs of tcx, which tc does not show', async () => {
    expect((await state()).programs).toEqual([]);
    await during(['bpf', 'v0', 'tcx-in', 'clone', 'v1', '1'], async () => {
      const tag = expect.stringMatching(/^[0-9a-f]{16}$/);
      expect((await state()).programs).toEqual([
        { device: 'v0', place: 'tcx ingress', id: expect.any(Number), name: '', tag },
      ]);
    });
  });

  it('has programs of which the code says that they pass frames on or drop them', async () => {
    await during(['bpf', 'v0', 'tcx-in', 'drop-ipv4', 'v0', '1'], async () => {
      const snapshot = await state();
      expect(snapshot.programs).toMatchObject([{ place: 'tcx ingress', onlyPasses: true }]);
      const named = bypassesIn(snapshot, new Set(['v0'])).map(({ what }) => what);
      expect(named.filter((what) => what.startsWith('BPF program'))).toEqual([]);
    });
  });

  it('has functions that get frames: of the kernel’s own protocols here, and none of packet sockets', async () => {
    await during(['listen', 'v0', '0x0003', 'none'], async () => {
      const snapshot = await state();
      const { packetHandlers = [] } = snapshot;
      expect(packetHandlers.map(({ function: name }) => name.split(' ')[0])).toContain('ip_rcv');
      const named = bypassesIn(snapshot, new Set(['v0'])).map(({ what }) => what);
      expect(named.filter((what) => what.startsWith('packet handler'))).toEqual([]);
    });
  });

  it('has programs of BPF at netfilter’s hooks', { tags: ['kernel'], ...needs(netfilterLink) }, async () => {
    const programs = async (): Promise<readonly string[]> =>
      bypassesIn(await state(), new Set(['v0'])).flatMap(({ what }) => (what.includes('netfilter') ? [what] : []));
    expect(await programs()).toEqual([]);
    await during(['netfilter'], async () =>
      expect(await programs()).toEqual([expect.stringMatching(/^packet handler BPF program \d+ of netfilter$/)]),
    );
  });

  it('has taps of which two processes have queues, and none that one process has whole', async () => {
    run('ip tuntap add dev tap0 mode tap multi_queue');
    await during(['queue', 'tap0'], async () => {
      expect(await state()).not.toHaveProperty('sharedTaps');
      await during(['queue', 'tap0'], async () => {
        const { sharedTaps } = await state();
        expect(sharedTaps).toEqual({
          tap0: [
            { pid: expect.any(Number), name: 'python3' },
            { pid: expect.any(Number), name: 'python3' },
          ],
        });
      });
    });
    run('ip link del dev tap0');
  });

  it('a process here with a tap of that name in another namespace has no queue of this one', async () => {
    run('ip tuntap add dev tap0 mode tap multi_queue');
    await during(['queue', 'tap0'], () =>
      during(['queue', 'tap0', 'elsewhere'], async () => expect(await state()).not.toHaveProperty('sharedTaps')),
    );
    run('ip link del dev tap0');
  });

  it.each([
    ['in the table of a thread', 'thread', /python3/],
    ['by another device node', 'node', /python3/],
    ['turned off', 'off', /python3/],
  ])('finds the second queue of a tap %s', async (_, how, name) => {
    run('ip tuntap add dev tap0 mode tap multi_queue');
    await during(['queue', 'tap0', 'twice'], async () => {
      expect(await state()).not.toHaveProperty('sharedTaps');
      await during(['queue', 'tap0', how], async () => {
        const holders = (await state()).sharedTaps?.['tap0'] ?? [];
        expect(holders.map((holder) => holder.name)).toEqual([
          expect.stringMatching(name),
          expect.stringMatching(name),
        ]);
      });
    });
    run('ip link del dev tap0');
  });

  it.each([
    ['a helper of this program', helperPath, /^verify-isolation capture of another run$/],
    ['Open vSwitch', 'x', /^python3/],
  ])('trusts no process that is only called as %s', async (_, word, name) => {
    const listens = [
      'import socket, time',
      'open("/proc/self/comm", "w").write("ovs-vswitchd")',
      'held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)',
      'print("ready", flush=True)',
      'time.sleep(600)',
    ].join('\n');
    // its parent ends, and nobody started it any more
    const start = 'python3 -c "$1" "$2" capture & echo $! >&2';
    const shell = inNamespaceFd(namespace, () =>
      spawn('sh', ['-c', start, 'sh', listens, word], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    const [pid] = await Promise.all([once(shell.stderr, 'data'), once(shell.stdout, 'data'), once(shell, 'exit')]);
    try {
      const [socket] = (await state()).packetSockets ?? [];
      expect(socket).toMatchObject({
        own: false,
        holders: [{ pid: Number(String(pid)), name: expect.stringMatching(name) }],
      });
    } finally {
      process.kill(Number(String(pid)), 'SIGKILL');
    }
  });

  it('has the groups of NFLOG from which a process takes packets', async () => {
    expect((await state()).logGroups).toEqual([]);
    await during(['log', '5'], async () => expect((await state()).logGroups).toEqual([5]));
  });

  it('has the neighbours by which a bridge answers ARP, if it does', async () => {
    run('ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:03 dev br0 nud permanent');
    expect((await state()).neighbours).toBeUndefined();
    run('bridge link set dev v0 neigh_suppress on');
    expect((await state()).neighbours).toEqual([
      { address: '10.0.0.2', mac: '02:00:00:00:00:03', device: 'br0', isStatic: true },
    ]);
    run('bridge link set dev v0 neigh_suppress off');
    run('ip neigh del 10.0.0.2 dev br0');
  });

  it('has the filter of a packet socket, and that there is none', async () => {
    await during(['listen', 'v0', '0x0003', 'dhcp'], async () => {
      const [socket] = (await state()).packetSockets ?? [];
      expect(socket?.filter).toMatch(/^280000000c000000/);
      expect(socket?.filter?.length).toBe(9 * 16);
    });
    await during(['listen', 'v0', '0x0003', 'none'], async () => {
      const [socket] = (await state()).packetSockets ?? [];
      expect(socket?.filter).toBeNull();
    });
  });
});
