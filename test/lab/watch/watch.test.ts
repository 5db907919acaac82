import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';
import { drift, watching, type Watching } from './watching.js';
import { scratchFolder } from '../../support/scratch.js';
import { until } from '../../support/lab/test-network.js';

const scratch = scratchFolder('watch');
let open: Watching[] = [];
afterEach(async () => {
  await Promise.all(open.map((watching) => watching.end()));
  open = [];
});
async function start(options?: string, prepare?: string): Promise<Watching> {
  const watch = await watching(options, prepare);
  open.push(watch);
  return watch;
}

describe('watch', () => {
  it('--exec starts a program at a change, which has it as JSON on stdin, and says how one fails', async () => {
    const [program, got] = [join(scratch, "a 'program'; x"), join(scratch, 'got')];
    writeFileSync(program, `#!/bin/sh\necho "$#" >> ${got}\ncat >> ${got}\nexit 7\n`, { mode: 0o755 });
    const watch = await start(`--exec "${program}"`);
    const failed = watch.next(({ event }) => event === 'exec-failed');
    await watch.run('ip link set dev br0 type bridge ageing_time 0');
    expect(await failed).toMatchObject({ why: 'exit status 7' });
    const [count, line = ''] = readFileSync(got, 'utf8').split('\n');
    expect([count, JSON.parse(line)]).toEqual([
      '0',
      expect.objectContaining({ code: 'setting-changed', place: 'br0.ageing_time', after: '0' }),
    ]);
  });

  it('tells settings, moves, mirrors, sniffers and ports as they change, with what they were', async () => {
    const watch = await start();
    const reports = async (
      command: string,
      code: string,
      place: string,
      change: Readonly<Record<string, unknown>>,
    ): Promise<void> => {
      const heard = watch.next(drift(code, place));
      const done = await watch.run(command);
      const event = await heard;
      expect(event).toMatchObject(change);
      // A second on a machine that is not busy with other tests.
      expect(Date.parse(String(event['at'])) - done).toBeLessThan(5000);
    };
    await reports('ip link set dev br0 type bridge ageing_time 0', 'setting-changed', 'br0.ageing_time', {
      before: '30000',
      after: '0',
      severity: 'high',
    });
    await reports('ip link set dev br0 type bridge ageing_time 30000', 'setting-changed', 'br0.ageing_time', {
      before: '0',
      after: '30000',
    });
    await reports('bridge link set dev vnet1 flood off', 'setting-changed', 'vnet1.flood', {
      before: 'true',
      after: 'false',
    });
    await reports('echo 1 > /sys/class/net/vnet2/brport/isolated', 'setting-changed', 'vnet2.isolated', {
      before: 'false',
      after: 'true',
    });
    await reports('bridge fdb replace 02:76:69:00:00:07 dev vnet0 master static', 'entry-added', '02:76:69:00:00:07', {
      after: 'static on vnet0',
    });
    await reports('bridge fdb replace 02:76:69:00:00:07 dev vnet2 master static', 'mac-moved', '02:76:69:00:00:07', {
      before: 'vnet0',
      after: 'vnet2',
      severity: 'high',
    });
    await reports(
      'tc qdisc add dev vnet0 clsact; tc filter add dev vnet0 ingress protocol all u32 match u32 0 0 action mirred egress mirror dev vnet2',
      'mirror-appeared',
      'vnet0 ingress',
      { after: 'mirred egress mirror to vnet2' },
    );
    await reports(
      'ip link add name vnet9 type veth peer name g9; ip link set dev vnet9 master br0',
      'port-joined',
      'vnet9',
      { bridge: 'br0' },
    );
    await reports(
      'tcpdump -p -i vnet1 -w /dev/null 2> /dev/null & sleep 0.3',
      'sniffer-appeared',
      'packet socket on vnet1',
      { after: expect.stringMatching(/tcpdump \(\d+\)/) },
    );
    await reports('sysctl -qw net.ipv4.ip_forward=1', 'sysctl-changed', 'net.ipv4.ip_forward', {
      before: '0',
      after: '1',
    });
    await reports(
      "nft add table netdev t; nft 'add chain netdev t c { type filter hook ingress device vnet1 priority 0; }'; nft add rule netdev t c dup to vnet2",
      'mirror-appeared',
      'netdev t c on vnet1',
      { after: 'dup to vnet2' },
    );
  });

  it('tells a program that raises no event, and when it is gone', needs(root), async () => {
    const watch = await start();
    const heard = watch.next(drift('bypass-appeared', 'vnet1 tcx ingress'));
    const done = await watch.run(
      '/usr/bin/python3 test/system/adversary/tools/attack.py bpf vnet1 tcx-in clone vnet2 1 > /dev/null & P=$!',
    );
    const event = await heard;
    expect(event).toMatchObject({ severity: 'high', after: expect.stringMatching(/^BPF program \d+$/) });
    expect(event['text']).toMatch(/^it may carry frames past the ears, /);
    expect(Date.parse(String(event['at'])) - done).toBeLessThan(5000);
    const over = watch.next(drift('bypass-gone', 'vnet1 tcx ingress'));
    await watch.run('kill $P');
    await over;
  });

  it('names who makes br0 promiscuous, and says when it is over', async () => {
    const watch = await start(
      '',
      'mount -t tmpfs tmpfs /mnt; mkfifo /mnt/hold; ip link add name vmnet0 type veth peer name w0; ip link set dev vmnet0 up; ip link set dev w0 up',
    );
    const held = watch.next(drift('bridge-promiscuous'));
    await watch.run('node test/lab/audit/hold-relay.mjs vmnet0 < /mnt/hold > /dev/null & exec 3> /mnt/hold');
    const { place, severity, after } = await held;
    expect([place, severity]).toEqual(['br0', 'high']);
    expect(after).toMatch(/held by verify-isolation relay \(\d+\)/);
    const over = watch.next(drift('bridge-not-promiscuous'));
    await watch.run('exec 3>&-');
    await over;
  });

  // 600 ms is what a process may wait for a processor on a busy machine.
  it.each([100, 600])(
    'names who makes br0 promiscuous %i ms before its socket is bound, as libpcap does',
    async (ms) => {
      const watch = await start('', 'mount -t tmpfs tmpfs /mnt; mkfifo /mnt/hold');
      const held = watch.next(drift('bridge-promiscuous'));
      await watch.run(`node test/lab/watch/join-then-bind.mjs br0 ${ms} < /mnt/hold & P=$!; exec 3> /mnt/hold`);
      const { after } = await held;
      expect(after).toMatch(/held by \S+ \(\d+\)$/);
      await watch.run('exec 3>&-; wait $P');
    },
  );

  it('survives a bridge that goes and comes back, and watches it again', async () => {
    const watch = await start();
    const gone = watch.next(drift('bridge-gone', 'br0'));
    await watch.run('ip link del dev br0');
    await gone;
    const back = watch.next(drift('bridge-appeared', 'br0'));
    await watch.run('ip link add name br0 type bridge; ip link set dev br0 up');
    await back;
    const changed = watch.next(drift('setting-changed', 'br0.ageing_time'));
    await watch.run('ip link set dev br0 type bridge ageing_time 0');
    await changed;
  });

  it('takes a storm of events together and is right at its end', async () => {
    const folder = mkdtempSync(join(scratch, 'storm-'));
    const textfile = join(folder, 'storm.prom');
    const watch = await start(`--textfile ${textfile}`);
    const last = watch.next((said) => drift('setting-changed', 'br0.ageing_time')(said) && said['after'] === '800');
    await watch.run(
      '{ for i in $(seq 5000); do echo link set dev g0 alias a$i; done; echo link set dev br0 type bridge ageing_time 800; } | ip -batch -',
    );
    await last;
    const value = (name: string): number =>
      Number(new RegExp(`^verify_isolation_watch_${name} (\\S+)$`, 'm').exec(readFileSync(textfile, 'utf8'))?.[1]);
    const open = (): number => value('drift_open{severity="high"}'.replaceAll(/[{}]/g, '\\$&'));
    // The change is said before the file that has it takes the place of the one before.
    const isWritten = (): boolean => value('events_total') > 4000 && open() === 1;
    await until('the last state is written', isWritten, patient(10_000));
    expect(value('reads_total')).toBeLessThan(value('events_total') / 50);
    const isAlone = (): boolean => readdirSync(folder).join() === 'storm.prom';
    await until('the file is alone', isAlone, patient(10_000));
  });

  it('raises no alarm over captures of its own', async () => {
    const watch = await start();
    const capturing = watch.next(({ event }) => event === 'capturing');
    await watch.run('{ sleep 3; } | node test/lab/watch/own-capture.mjs vnet1');
    await capturing;
    const changed = watch.next(drift('setting-changed', 'br0.ageing_time'));
    await watch.run('ip link set dev br0 type bridge ageing_time 0');
    await changed;
    expect(watch.said.filter(({ event, code }) => event === 'drift' && code !== 'setting-changed')).toEqual([]);
  });

  it('holds what is there against a baseline that was learned before', async () => {
    const file = join(scratch, 'baseline.json');
    const watch = await start(
      `--baseline ${file}`,
      `node dist/cli.cjs watch --learn ${file}; bridge link set dev vnet1 flood off`,
    );
    if (!watch.said.some(drift('setting-changed'))) await watch.next(drift('setting-changed', 'vnet1.flood'));
    expect(watch.said.filter(({ event }) => event === 'drift')).toMatchObject([
      { code: 'setting-changed', place: 'vnet1.flood', before: 'true', after: 'false' },
    ]);
  });

  it('runs the scenario of --reprobe after a drift that matters', async () => {
    const watch = await start('--reprobe scenarios/switch-mode.yml', `export TMPDIR=${scratch}`);
    const outcome = watch.next(({ event }) => event === 'reprobe');
    await watch.run('ip link set dev br0 type bridge ageing_time 0');
    expect(await outcome).toMatchObject({ verdict: 'holds', status: 0 });
  });

  it('goes on and says so when the namespace it watches is gone', async () => {
    const watch = await start(
      '--netns /mnt/other',
      'mount -t tmpfs tmpfs /mnt; touch /mnt/other; unshare --net sh -c "ip link add name br0 type bridge; mount --bind /proc/self/ns/net /mnt/other"',
    );
    const unreadable = watch.next(({ event }) => event === 'unreadable');
    await watch.run('umount /mnt/other; rm /mnt/other');
    expect((await unreadable)['message']).toContain('/mnt/other');
    await sleep(patient(1000));
    await watch.run('kill -0 $W && echo \'{"event":"alive"}\'');
    expect(watch.said.some(({ event }) => event === 'alive')).toBe(true);
  });
});
