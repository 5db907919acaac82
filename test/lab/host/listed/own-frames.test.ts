import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { guests, outcomeOf, throwAwayHost, type Outcome } from '../../../support/lab/throw-away-host.js';
import { needs, root } from '../../../support/needs.js';
import { shared } from '../../../support/scratch.js';

describe('frames of the scenario itself on a host', needs(root), () => {
  const host = shared(throwAwayHost);

  const toAll = 'hex: "ffffffffffff{src_mac}88b6{token}"';
  const toGuest = 'to: kali3, hex: "{dst_mac}{src_mac}88b6{token}"';

  /** Sent by kali2. The file names guests alone, and no uplink. */
  function send(name: string, probe: string, expected = 'private'): Promise<Outcome> {
    const file = join(host.dir, `${name}.yml`);
    const { kali2, kali3 } = guests;
    writeFileSync(
      file,
      `version: 1
name: ${name}
allow_disruptive: true
topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
    kali2: { bridge: br0, port: ${kali2.port}, mac: "${kali2.mac}" }
    kali3: { bridge: br0, port: ${kali3.port}, mac: "${kali3.mac}" }
    spare: { bridge: br0, port: spare }
    uplink: { bridge: br0, port: uplink }
steps:
  - { name: own, probe: { class: frame, from: kali2, count: 5, ${probe} }, expect: ${expected} }
`,
    );
    return outcomeOf(host.cli(['run', file, '--yes', '--json', '--allow-frames', '--allow-disruptive']));
  }

  /** Frames of the class by observer. */
  function seenIn({ stdout, stderr }: Outcome): Readonly<Record<string, number>> {
    expect(stdout, stderr).not.toBe('');
    const { steps }: Result = JSON.parse(stdout);
    return Object.fromEntries(steps[0]?.findings.map(({ observer, seen }) => [observer, seen]) ?? []);
  }

  const sentBy = (device: string): number => {
    const [link]: readonly { readonly stats64: { readonly tx: { readonly packets: number } } }[] = JSON.parse(
      host.run(`ip -s -j link show dev ${device}`),
    );
    return link?.stats64.tx.packets ?? Number.NaN;
  };

  it('go to guests; once a NIC is a port, listed or not, to none that the bridge may forget', async () => {
    const before = await send('guests-alone', toAll, 'unjudged');
    expect(seenIn(before)).toEqual({ kali3: 5, spare: 5, uplink: 5 });

    // A pair within the host's namespace: as a NIC it leads to no guest
    host.run('ip link add dev nic0 type veth peer name wire');
    host.run('ip link set dev nic0 master br0 up');
    host.run('ip link set dev wire up');
    const sent = sentBy('nic0');
    for (const [name, probe] of [
      ['to-all', toAll],
      ['to-learned', toGuest],
    ] as const) {
      const run = await send(name, probe, 'unjudged');
      expect([run.status, run.stderr]).toEqual([69, expect.stringContaining('nic0 of br0 may lead out of this host')]);
    }
    expect(sentBy('nic0')).toBe(sent);

    host.run(`bridge fdb replace ${guests.kali3.mac} dev ${guests.kali3.port} master static`);
    const pinned = await send('to-pinned', toGuest);
    expect(seenIn(pinned)).toMatchObject({ kali3: 5, nic0: 0 });
  });
});
