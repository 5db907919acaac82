import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { untilListening } from '../../support/lab/processes.js';
import { needs, root } from '../../support/needs.js';

const vm = '00:0c:29:aa:bb:cc';
const bridgeMac = '02:00:00:00:00:fe';

describe('a guest behind the bridge device of a host, whose bridge has the MAC of its NIC', needs(root), () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
    host.run(['ip', 'link', 'set', 'dev', guests.lan.port, 'address', bridgeMac]);
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'address', bridgeMac]);
  });
  afterAll(() => host.close());

  it('sends nothing out of it but what the plan says', async () => {
    const steps =
      '  - { name: behind, probe: { class: known-unicast, from: winxp, to: lan, carriers: [raw], count: 50 }, expect: private }\n';
    const file = host.scenario('behind', {
      steps,
      head: 'scope: { partial: "winxp has no interface here" }\n',
      more: `    winxp: { bridge: br0, attach: promiscuous, mac: "${vm}" }\n`,
    });
    const plan = await outcomeOf(host.cli(['plan', file]));
    const reported = Number(/^Out of the NIC: (\d+) of them/m.exec(plan.stdout)?.[1]);
    const tcpdump = host.start('lan', [
      'tcpdump',
      '-Z',
      'root',
      '-n',
      '-e',
      '-l',
      '-i',
      'eth0',
      '-Q',
      'in',
      'ether proto 0x88b5',
    ]);
    const outside = outcomeOf(tcpdump);
    await untilListening(tcpdump);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json', '--out', join(host.dir, 'behind')]));
    expect([run.status, JSON.parse(run.stdout).steps[0].reasons]).toEqual([0, []]);
    tcpdump.kill('SIGINT');
    const left = (await outside).stdout.split('\n').filter((line) => line.includes(' > ')); // the others are bytes
    const probes = left.filter((line) => line.includes(`${vm} > ${guests.lan.mac}`));
    // and the uplink's ear controls, one in each phase
    expect([reported, left.length, probes.length]).toEqual([53, 53, 50]);
  });
});
