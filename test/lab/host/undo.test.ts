import {
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { UndoEntry } from '../../../src/core/bridge/undo/entry.js';
import { openJournal } from '../../../src/system/fabric/host/journal.js';
import { namespacePlace, whereIs } from '../../../src/system/fabric/host/namespace-place.js';
import { cleanedText, cleanUp, isClean, undoAll } from '../../../src/system/fabric/host/undo.js';
import { linkIdentities } from '../../../src/system/fabric/host/present.js';
import { newNamespace } from '../../../src/system/kernel/namespaces.js';
import { throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const none = { undone: 0, unrestored: [], failed: [] };

describe('what a run has changed on a host', needs(root), () => {
  const host = shared(throwAwayHost);
  afterEach(() => {
    rmSync(host.journal, { recursive: true, force: true });
    mkdirSync(host.journal, { mode: 0o700 });
  });
  const indexOf = (name: string): number => Number(/^(\d+):/.exec(host.run(`ip -o link show dev ${name}`))?.[1]);

  describe('undo', () => {
    const mtu = (set: number, was: number): UndoEntry => {
      const on = { name: 'vnet4', ifindex: indexOf('vnet4'), master: indexOf('br0') };
      return { kind: 'setting', on, place: 'link', key: 'mtu', set, was };
    };

    it('counts what it undid, and nothing that was done already', async () => {
      host.run('ip link set dev vnet4 mtu 1400');
      expect(await undoAll([mtu(1400, 1500)], host.netns)).toEqual({ ...none, undone: 1 });
      expect(host.run('ip link show dev vnet4')).toContain('mtu 1500');
      expect(await undoAll([mtu(1400, 1500)], host.netns)).toEqual(none);
    });

    it('leaves what is another’s, says so, and goes on', async () => {
      host.run('ip link set dev vnet4 mtu 1300');
      host.run('sysctl -w net.ipv4.ip_forward=1');
      const forward: UndoEntry = { kind: 'sysctl', on: null, name: 'net.ipv4.ip_forward', set: '1', was: '0' };
      expect(await undoAll([mtu(1400, 1500), forward], host.netns)).toEqual({
        undone: 1,
        unrestored: ['mtu of vnet4 is 1300, not what the run had set (1400): left as it is'],
        failed: [],
      });
      host.run('ip link set dev vnet4 mtu 1500');
    });

    it('knows an interface from one that was made again under its name and number', async () => {
      const pair = (index: number): string => `ip link add name vnet9 index ${index} type veth peer name p9`;
      const isolated = (set: string): string => `ip link set dev vnet9 type bridge_slave isolated ${set}`;
      const begin = (): void => {
        host.run(pair(4242));
        host.run('ip link set dev vnet9 master br0');
        host.run(isolated('on'));
      };
      begin();
      const identity = linkIdentities(host.netns)?.get('vnet9') ?? '';
      const on = { name: 'vnet9', ifindex: 4242, master: indexOf('br0'), identity };
      const entry: UndoEntry = { kind: 'setting', on, place: 'port', key: 'isolated', set: true, was: false };
      host.run('ip link set dev vnet9 name vnet8 up');
      expect(await undoAll([entry], host.netns)).toEqual({ ...none, undone: 1 });
      host.run('ip link del dev vnet8');
      begin();
      expect(linkIdentities(host.netns)?.get('vnet9')).not.toBe(identity);
      expect(await undoAll([entry], host.netns)).toEqual(none);
      expect(host.run('bridge -d link show dev vnet9')).toContain('isolated on');
      host.run('ip link del dev vnet9');
    });

    it('tells what could not be undone, and goes on', async () => {
      const { failed, undone } = await undoAll([mtu(1500, 1), mtu(1500, 1500)], host.netns);
      expect([failed, undone]).toEqual([[expect.stringMatching(/^ip link set dev if\d+ mtu 1: /)], 0]);
      // The kernel takes it without a word and keeps another value.
      host.run('bridge fdb replace 02:00:00:00:00:77 dev vnet4 master static');
      const where = await undoAll([mtu(1500, 1500)], '/proc/self/ns/none');
      expect(where.failed).toEqual([expect.stringContaining('/proc/self/ns/none')]);
      host.run('bridge fdb del 02:00:00:00:00:77 dev vnet4 master');
    });

    it('gives a static entry back to the port from which the run moved it', async () => {
      const mac = '02:00:00:00:00:79';
      const held = (name: string): UndoEntry & { readonly kind: 'fdb' } => {
        const on = { name, ifindex: indexOf(name), master: indexOf('br0') };
        return { kind: 'fdb', on, self: false, mac, rows: [] };
      };
      const entryOn = (port: string): boolean =>
        host.run('bridge fdb show br br0').includes(`${mac} dev ${port} master br0 static`);
      const form = { state: 'static', sticky: false } as const;
      host.run(`bridge fdb replace ${mac} dev vnet4 master static`);
      host.run(`bridge fdb replace ${mac} dev vnet0 master static`);
      expect([entryOn('vnet4'), entryOn('vnet0')]).toEqual([false, true]);
      const moved: readonly UndoEntry[] = [
        { ...held('vnet4'), rows: [{ vlan: null, set: null, was: form }] },
        { ...held('vnet0'), rows: [{ vlan: null, set: form, was: null }] },
      ];
      expect((await undoAll(moved, host.netns)).failed).toEqual([]);
      expect([entryOn('vnet4'), entryOn('vnet0')]).toEqual([true, false]);
      host.run(`bridge fdb del ${mac} dev vnet4 master`);
    });

    it('reads the tables of the bridge for what is in them', async () => {
      const [name, mac] = ['vnet4', '02:00:00:00:00:78'];
      const on = { name, ifindex: indexOf(name), master: indexOf('br0') };
      const bridge = { name: 'br0', ifindex: indexOf('br0'), master: 0 };
      const set = { state: 'static', sticky: false } as const;
      const entries: readonly UndoEntry[] = [
        { kind: 'fdb', on, self: false, mac, rows: [{ vlan: null, set, was: null }] },
        { kind: 'mdb', on, bridge, group: '239.7.7.7', vlan: null, set: 'permanent', was: null },
      ];
      host.run(`bridge fdb replace ${mac} dev ${name} master static`);
      host.run(`bridge mdb add dev br0 port ${name} grp 239.7.7.7 permanent`);
      expect(await undoAll(entries, host.netns)).toEqual({ ...none, undone: 2 });
      expect(host.shape()).not.toMatch(/239\.7\.7\.7|02:00:00:00:00:78/);
    });

    it('takes away the interfaces of a run together, and leaves those that are another’s by now', async () => {
      const pairs = ['w0', 'w1', 'w2', 'w3'];
      for (const name of pairs) host.run(`ip link add dev ${name} type veth peer name ${name}p`);
      const made = (name: string, ifindex = indexOf(name)): UndoEntry => ({ kind: 'interface', name, ifindex });
      const entries = [made('w0'), made('w1'), made('x2', indexOf('w2')), made('gone', 999_999), made('w3')];
      expect(await undoAll(entries, host.netns)).toEqual({
        undone: 3,
        unrestored: [expect.stringMatching(/^the interface \d+ is w2, not x2: left as it is$/)],
        failed: [],
      });
      expect(host.shape()).toMatch(/\bw2\b/);
      expect(host.shape()).not.toMatch(/\bw[013]\b/);
      host.run('ip link del dev w2');
    });

    it('takes an interface that is gone by the time of the command for gone', async () => {
      const on = { name: 'nobody', ifindex: 999_999, master: 0 };
      const entries: UndoEntry[] = [
        { kind: 'interface', name: 'nobody', ifindex: 999_999 },
        { kind: 'setting', on, place: 'link', key: 'mtu', set: 1400, was: 1500 },
        { kind: 'fdb', on, self: false, mac: '02:00:00:00:00:77', rows: [] },
        { kind: 'mdb', on, bridge: on, group: '239.1.1.1', vlan: null, set: null, was: 'temp' },
        { kind: 'vlan', on, self: false, set: [{ first: 1, last: 1, pvid: false, untagged: false }], was: [] },
        { kind: 'sysctl', on, name: 'net.ipv4.ip_forward', set: '1', was: '0' },
        { kind: 'sysctl', on: null, name: 'net.nobody.x', set: '1', was: '0' },
      ];
      expect(await undoAll(entries, host.netns)).toEqual(none);
    });
  });

  describe('cleanup', () => {
    const kept = (runId: string, netns: string | null, entries: readonly UndoEntry[]): void => {
      const journal = openJournal(host.journal, { runId, netns });
      for (const entry of entries) journal.add(entry);
      journal.release();
    };
    const forward: UndoEntry = { kind: 'sysctl', on: null, name: 'net.ipv4.ip_forward', set: '1', was: '0' };
    const nowForwards = (): string => host.run('sysctl -n net.ipv4.ip_forward').trim();
    const cleaned = async (): Promise<readonly string[]> => (await cleanUp(host.journal)).map(cleanedText);

    it('undoes and removes; there is nothing then', async () => {
      host.run('sysctl -w net.ipv4.ip_forward=1');
      kept('a', host.netns, [forward]);
      kept('b', host.netns, []);
      expect(await cleaned()).toEqual([
        'run a was killed: 1 change undone, nothing is left of it',
        'run b was killed: 0 changes undone, nothing is left of it',
      ]);
      expect(nowForwards()).toBe('0');
      expect([host.journals(), await cleaned()]).toEqual([[], []]);
    });

    it('removes the journal of what is another’s by now, and keeps that of what could not be undone', async () => {
      kept('a', host.netns, [{ ...forward, set: '7', was: '8' }]);
      kept('b', host.netns, [{ ...forward, set: '0', was: 'no-number' }]);
      const [left, failed] = await cleanUp(host.journal);
      expect([left, failed].map((cleaned) => cleaned !== undefined && isClean(cleaned))).toEqual([false, false]);
      expect(left !== undefined && cleanedText(left)).toBe(
        "run a was killed: 0 changes undone, and this is another program's by now:\n  net.ipv4.ip_forward is 0, not what the run had set (7): left as it is",
      );
      expect(failed !== undefined && cleanedText(failed)).toMatch(
        /^run b was killed: 0 changes undone, and this is left of it:\n {2}sysctl -w net\.ipv4\.ip_forward=no-number: /,
      );
      expect(host.journals()).toEqual(['b.journal']);
    });

    it('keeps a journal with a line that it cannot read, and undoes the others of it', async () => {
      host.run('sysctl -w net.ipv4.ip_forward=1');
      kept('a', host.netns, [forward]);
      writeFileSync(join(host.journal, 'a.journal'), 'x\n', { flag: 'a' });
      expect(await cleaned()).toEqual([
        `run a was killed: 1 change undone, and this is left of it:\n  line 3 of ${host.journal}/a.journal cannot be read: look at it, then remove it`,
      ]);
      expect([nowForwards(), host.journals()]).toEqual(['0', ['a.journal']]);
    });

    it('tells what is no journal', async () => {
      writeFileSync(join(host.journal, 'x\u001b.journal'), '', { mode: 0o600 });
      const [outcome] = await cleanUp(host.journal);
      expect(outcome !== undefined && [isClean(outcome), cleanedText(outcome)]).toEqual([
        false,
        `${host.journal}/x\\u{1b}.journal was left alone: its first line is cut short: its run had changed nothing yet. Look at it, then remove it`,
      ]);
      rmSync(host.journal, { recursive: true });
      symlinkSync('/', host.journal);
      expect(await cleaned()).toEqual([expect.stringContaining(`${host.journal} was left alone: the journals in`)]);
      rmSync(host.journal);
    });

    it("leaves another user's file alone, and a whole folder of theirs", async () => {
      kept('a', host.netns, [forward]);
      chownSync(join(host.journal, 'a.journal'), 1000, 1000);
      expect(await cleanUp(host.journal)).toEqual([
        { kind: 'refused', file: join(host.journal, 'a.journal'), why: 'it belongs to the user 1000' },
      ]);
      chownSync(host.journal, 1000, 1000);
      expect(await cleaned()).toEqual([
        expect.stringContaining(`no journal may be kept in ${host.journal}: it belongs to the user 1000`),
      ]);
    });

    it('has nothing to do in a namespace that is no more, and leaves one that it cannot tell from here', async () => {
      const space = newNamespace();
      const path = join(host.dir, 'space');
      symlinkSync(`/proc/${process.pid}/fd/${space}`, path);
      kept('gone', path, [forward]);
      kept('replaced', host.netns, [forward]);
      unlinkSync(path);
      closeSync(space);
      const file = join(host.journal, 'replaced.journal');
      const elsewhere = readFileSync(file, 'utf8')
        .replace(/"path":"[^"]*"/, '"path":null')
        .replace(/"view":"[^"]*"/, '"view":""');
      writeFileSync(file, elsewhere);
      expect(await cleaned()).toEqual([
        'run gone was killed: 0 changes undone, nothing is left of it',
        'run replaced was killed: 0 changes undone, and this is left of it:\n  it ran in another network namespace: run cleanup there',
      ]);
      expect(host.journals()).toEqual(['replaced.journal']);
    });
  });

  it('a namespace is told by path, inode, cookie and kernel', () => {
    const place = namespacePlace(host.netns);
    expect(place).toEqual({
      path: host.netns,
      inode: expect.any(Number),
      cookie: expect.stringMatching(/^\d+$/),
      view: expect.stringMatching(/^pid:\[\d+\]$/),
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    });
    const ownPlace = namespacePlace(null);
    expect([ownPlace.view, ownPlace.path, ownPlace.inode === place.inode, ownPlace.cookie === place.cookie]).toEqual([
      '',
      null,
      false,
      false,
    ]);
    expect([place, ownPlace].map(whereIs)).toEqual(['here', 'here']);
    expect(whereIs({ ...place, boot: 'another' })).toBe('gone');
    expect(whereIs({ ...place, cookie: '0' })).toBe('gone');
    expect(whereIs({ ...place, inode: 0 })).toBe('gone');
    expect(whereIs({ ...place, cookie: '0', view: 'pid:[1]' })).toBe('elsewhere');
    expect(whereIs({ ...ownPlace, cookie: '0' })).toBe('elsewhere');
    const missing = namespacePlace('/run/nobody/x');
    expect(missing).toMatchObject({ inode: 0, cookie: '', view: '' });
    expect(whereIs(missing)).toBe('gone');
    const dir = mkdtempSync(join(tmpdir(), 'place-'));
    expect(namespacePlace(join(dir, 'x')).view).toMatch(/^\d+:\d+$/);
    rmSync(dir, { recursive: true });
  });
});
