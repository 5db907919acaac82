// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { type Cage, startCage } from '../../support/managers/cage.js';
import { answerOf, type FoundGuest, guestOf } from '../../support/managers/on-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();
const names = ['a1', 'a2', 'b1', 'b2'];

describe('Docker beside firewalld with the backend iptables (CVE-2025-54410)', needs(root, skip), () => {
  let cage: Cage;
  let guests: Readonly<Record<string, FoundGuest>> = {};
  beforeAll(async () => {
    cage = await startCage(folder, /^docker$/);
    cage.run(`mkdir -p /run/dbus /var/lib/dbus
grep -q ^messagebus: /etc/passwd || echo 'messagebus:x:64058:64058::/:/bin/false' >>/etc/passwd
grep -q ^messagebus: /etc/group || echo messagebus:x:64058: >>/etc/group
sed -i 's/^FirewallBackend=.*/FirewallBackend=iptables/' /etc/firewalld/firewalld.conf`);
    cage.start('dbus', 'dbus-daemon --system --nofork --nopidfile');
    await cage.until('test -S /run/dbus/system_bus_socket', 'dbus');
    cage.start('firewalld', 'firewalld --nofork --nopid');
    await cage.until('firewall-cmd --state', 'firewalld');
    cage.start('dockerd', 'dockerd --data-root /var/lib/docker --exec-root /run/docker -p /run/docker.pid');
    await cage.until('docker version', 'dockerd');
    cage.run(`tar -C /run/guest -c . | docker import - guest:1
for net in n1 n2; do docker network create -o com.docker.network.bridge.name=br-$net $net; done
${names.map((name) => `docker run -d --network ${name.startsWith('a') ? 'n1' : 'n2'} --name ${name} guest:1 /bin/sleep 9999`).join('\n')}`);
    const pids = cage
      .run(`docker inspect -f '{{.State.Pid}}' ${names.join(' ')}`)
      .trim()
      .split('\n');
    guests = Object.fromEntries(names.map((name, at) => [name, guestOf(cage, pids[at] ?? '')]));
    cage.run(
      'docker exec a1 ping -c 1 172.18.0.1; docker exec b1 ping -c 1 172.19.0.1; docker exec a2 ping -c 1 172.18.0.1; docker exec b2 ping -c 1 172.19.0.1',
    );
  }, patient(300_000));
  afterAll(() => cage?.end());

  it('keeps two networks apart until firewalld reloads, and no longer', { timeout: patient(300_000) }, async () => {
    const before = await answerOf(cage, 'docker-networks', guests, /^no/);
    expect(before.answer, before.stderr).toEqual(before.expected);
    cage.run('firewall-cmd --reload');
    // Docker writes its rules anew once it is told, a network after the other
    await cage.until('iptables -S FORWARD | grep -q -- "-i br-n1 -o br-n1 -j ACCEPT"', 'dockerd');
    await cage.until('iptables -S FORWARD | grep -q -- "-j DOCKER-ISOLATION-STAGE-1"', 'dockerd');
    const after = await answerOf(cage, 'docker-networks', guests, /^after/);
    expect(after.answer, after.stderr).toEqual(after.expected);
    expect(cage.run('iptables -S DOCKER-ISOLATION-STAGE-1').trim().split('\n')).toEqual([
      '-N DOCKER-ISOLATION-STAGE-1',
      '-A DOCKER-ISOLATION-STAGE-1 -j RETURN',
    ]);
  });
});
