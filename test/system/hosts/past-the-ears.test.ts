// @module-tag all
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { startTenant } from '../../support/lab/processes.js';
import { outcomeOf } from '../../support/lab/throw-away-host.js';
import { file as fileThere, needs } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { patient } from '../../support/patient.js';
import { probing, scenario, sshd, sshHosts, sshRuns } from './ssh-hosts.js';

const python = '/usr/bin/python3';
const tools = fileURLToPath(new URL('../adversary/tools/attack.py', import.meta.url));

describe('what carries frames past the ears on another host of a run', needs(...sshd, fileThere(python)), () => {
  const hosts = shared(sshHosts);
  beforeEach(() => hosts.learn());

  const { start, result } = sshRuns(() => hosts);

  it('is inconclusive where a program hands frames to a guest of the far host behind its port, which is named', {
    timeout: patient(300_000),
  }, async () => {
    const tenant = startTenant((words) => hosts.guest('s', 'hv2', words));
    const child = start(scenario(8000));
    const run = outcomeOf(child);
    await probing(child);
    // each of a's frames for the other host goes on, and a copy of it into s's own namespace, between two snapshots
    const came = 'awk \'$1 == "va:" { print $3 }\' /proc/net/dev';
    const peer = [
      `said=$(mktemp); ${python} ${tools} bpf va tcx-in peer vs 1 >"$said" &`,
      'until grep -q ready "$said"; do kill -0 $!; sleep 0.02; done; rm -f "$said"',
      `before=$(${came}); for _ in $(seq 500); do [ $(${came}) -gt $((before + 50)) ] && break; sleep 0.02; done`,
      'kill $!; wait $! || true',
    ].join('\n');
    hosts.run('hv2', ['sh', '-ec', peer]);
    const { status, stderr } = await run;
    await tenant.end();
    expect(status, stderr).toBe(3);
    // On a slow machine the program may still be there when the state is read again, which is a reason as well.
    expect(
      result().steps[0]?.reasons.map(({ code, observer, text }) => `${code} ${observer ?? ''} ${text}`),
    ).toContainEqual(
      expect.stringMatching(
        /^unheard-frames s-hv2 (at least )?\d+ frames came to s-hv2 that did not leave by hv2\/vs: something hands them over past the port$/,
      ),
    );
  });

  const carriers = {
    'a process with a packet socket': [
      [
        'sh',
        '-ec',
        `said=$(mktemp); ${python} ${tools} listen va 3 all >"$said" & until grep -q ready "$said"; do kill -0 $!; sleep 0.02; done; rm -f "$said"; echo $!`,
      ],
      (pid: string) => ['kill', pid],
      'packet socket of python3 at hv2: va',
    ],
    'a rule of nft that takes no probe': [
      [
        'sh',
        '-ec',
        "nft add table netdev copies; nft 'add chain netdev copies in { type filter hook ingress device va priority 0 ; }'; nft add rule netdev copies in ip protocol tcp dup to vs",
      ],
      () => ['nft', 'delete', 'table', 'netdev', 'copies'],
      'nft dup to vs at hv2: nft netdev copies in on va',
    ],
  } as const;
  it.each(Object.entries(carriers))(
    'is inconclusive where something on the far host may carry frames past the ears: %s',
    { timeout: patient(300_000) },
    async (_, [add, remove, named]) => {
      const pid = hosts.run('hv2', add).trim();
      const run = await outcomeOf(start(scenario(20)));
      hosts.run('hv2', remove(pid));
      expect(run.status, run.stderr).toBe(3);
      expect(result().steps[0]?.reasons.map(({ code, text }) => `${code}: ${text.split(' may ')[0] ?? ''}`)).toEqual([
        `bypass-possible: ${named}`,
      ]);
    },
  );

  it('names the rule of the far host that copies to one of its guests', async () => {
    hosts.run('hv2', [
      'sh',
      '-ec',
      'tc qdisc add dev va clsact; tc filter add dev va egress protocol all u32 match u32 0 0 action mirred egress mirror dev vs',
    ]);
    const run = await outcomeOf(start(scenario(20)));
    hosts.run('hv2', 'tc qdisc del dev va clsact');
    expect(run.status, run.stderr).toBe(2);
    const causes = result().steps.flatMap((step) => (step.groups ?? []).flatMap((group) => group.causes));
    expect(causes.map(({ code, places, fixes }) => [code, places, fixes])).toEqual([
      [
        'mirror',
        ['hv2/va egress'],
        ["ssh hv2 'tc filter del dev va egress protocol all pref 49152 handle 800::800 u32'"],
      ],
    ]);
  });

  it('hears a device on a bridge of the far host that is in another namespace', async () => {
    const tenant = startTenant((words) => hosts.guest('b', 'hv2', words));
    hosts.run('hv2', 'ip link add mv0 link brA type macvlan mode passthru');
    hosts.run('hv2', `ip link set mv0 netns ${tenant.pid}`);
    await outcomeOf(hosts.guest('b', 'hv2', 'ip link set mv0 up'));
    const run = await outcomeOf(start(scenario(100)));
    await outcomeOf(hosts.guest('b', 'hv2', 'ip link del mv0'));
    await tenant.end();
    expect(run.status, run.stderr).toBe(2);
    const leaks = result().steps[0]?.findings.filter(({ leak }) => leak) ?? [];
    expect(leaks.map(({ from, observer }) => `${from} ${observer}`)).toEqual([
      'a-hv1 hv2/mv0@brA',
      'a-hv2 hv2/mv0@brA',
    ]);
    expect(leaks[0]?.causes?.map(({ code }) => code)).toEqual(['above-bridge']);
  });
});
