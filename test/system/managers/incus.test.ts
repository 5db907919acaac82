// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { type Cage, startCage } from '../../support/managers/cage.js';
import { answerOf, type FoundGuest, guestOf } from '../../support/managers/on-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();
const instances = z.array(z.object({ name: z.string(), state: z.object({ pid: z.number() }) }));

describe('Incus, started here', needs(root, skip), () => {
  let cage: Cage;

  /** Addresses and an answered ping for each: a changed NIC is a new one without addresses. */
  function talkingGuests(): Readonly<Record<string, FoundGuest>> {
    const found = instances.parse(JSON.parse(cage.run('incus list --format json')));
    return Object.fromEntries(
      found.map(({ name, state: { pid } }) => {
        const enter = `nsenter --target ${pid} --net`;
        cage.run(`${enter} ip address replace 10.99.0.${name.slice(1)}/24 dev eth0; ${enter} ip link set eth0 up
${enter} ping -c 1 -w 10 10.99.0.254`);
        return [name, guestOf(cage, String(pid))];
      }),
    );
  }

  beforeAll(async () => {
    cage = await startCage(folder, /^(lxc\..*|init\.scope)$/, { INCUS_CONF: '/run/home/incus' });
    cage.run(`echo root:1000000:65536 >/etc/subuid; cp /etc/subuid /etc/subgid
echo '::respawn:/bin/sleep 9999' >/run/guest/etc/inittab
mkdir -p /run/image/templates; printf 'architecture: x86_64\\ncreation_date: 1700000000\\n' >/run/image/metadata.yaml
tar -C /run/image -cJf /run/metadata.tar.xz metadata.yaml templates; tar -C /run/guest -cJf /run/rootfs.tar.xz .`);
    cage.start('incusd', '/usr/libexec/incus/incusd --group root --logfile=/run/incus.log');
    await cage.until('incus admin waitready --timeout=5', 'incusd');
    cage.run(`incus admin init --minimal
incus network set incusbr0 ipv4.address 10.99.0.254/24
incus image import /run/metadata.tar.xz /run/rootfs.tar.xz --alias guest
for name in g1 g2 g3; do incus launch guest $name; done`);
  }, patient(300_000));
  afterAll(() => cage?.end());

  it('init names the instances behind its ports', async () => {
    const guests = talkingGuests();
    const { stdout, stderr, status } = await cage.cli(['init', '--bridge', 'incusbr0']);
    expect(status, stderr).toBe(0);
    for (const name of ['g1', 'g2', 'g3'])
      expect(stdout).toContain(
        `    ${name}:\n      # named by incus\n      bridge: incusbr0\n      port: ${guests[name]?.port}\n`,
      );
  });

  it('its bridge as it comes', async () => {
    const { answer, expected, stderr } = await answerOf(cage, 'incus-bridge', talkingGuests(), /^as it comes/);
    expect(answer, stderr).toEqual(expected);
  });

  it('with security.port_isolation at two of three instances', async () => {
    cage.run('for name in g1 g2; do incus config device override $name eth0 security.port_isolation=true; done');
    const { answer, expected, stderr, result } = await answerOf(
      cage,
      'incus-bridge',
      talkingGuests(),
      /^port isolation/,
    );
    expect(answer, stderr).toEqual(expected);
    expect(result.steps[0]?.held?.flatMap(({ barriers }) => barriers.map(({ code }) => code))).toContain('isolated');
  });
});
