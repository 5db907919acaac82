// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { type Cage, startCage } from '../../support/managers/cage.js';
import { type FoundGuest, answerOf, guestOf, makeLan } from '../../support/managers/on-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();

/** Three containers on docker0, and two on each of three networks. */
const containers = ['c1', 'c2', 'c3', 'a1', 'a2', 'b1', 'b2', 'i1', 'i2', 'i3'];
const networks: Readonly<Record<string, string>> = { a: '--network n1', b: '--network n2', i: '--network noicc' };

describe('Docker, started here', needs(root, skip), () => {
  let cage: Cage;
  let guests: Readonly<Record<string, FoundGuest>> = {};
  beforeAll(async () => {
    cage = await startCage(folder, /^docker$/);
    cage.start('dockerd', 'dockerd --data-root /var/lib/docker --exec-root /run/docker -p /run/docker.pid');
    await cage.until('docker version', 'dockerd');
    cage.run(`tar -C /run/guest -c . | docker import - guest:1
bridge() { docker network create -o com.docker.network.bridge.name=br-$1 "$@"; }
bridge n1; bridge n2; bridge noicc -o com.docker.network.bridge.enable_icc=false
${containers
  .map((name) =>
    name === 'c3'
      ? 'docker run -d --name c3 -p 8080:80 guest:1 /bin/httpd -f -p 80 -h /etc'
      : `docker run -d --name ${name} ${networks[name.charAt(0)] ?? ''} guest:1 /bin/sleep 9999`,
  )
  .join('\n')}`);
    const pids = cage
      .run(`docker inspect -f '{{.State.Pid}}' ${containers.join(' ')}`)
      .trim()
      .split('\n');
    guests = Object.fromEntries(containers.map((name, at) => [name, guestOf(cage, pids[at] ?? '')]));
    // they talk, as containers do
    cage.run(
      'docker exec c1 ping -c 1 172.17.0.3; docker exec c2 ping -c 1 172.17.0.4; for n in a1 a2 b1 b2 i1 i2 i3; do docker exec $n ping -c 1 -w 2 $(docker inspect -f "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}" $n); done',
    );
  }, patient(300_000));
  afterAll(() => cage?.end());

  const chosen = (...names: readonly string[]): Readonly<Record<string, FoundGuest>> =>
    Object.fromEntries(names.flatMap((name) => (guests[name] === undefined ? [] : [[name, guests[name]]])));

  const networked = (): Readonly<Record<string, FoundGuest>> => chosen('a1', 'a2', 'b1', 'b2');

  it('init names the containers behind its ports', async () => {
    const { stdout, status } = await cage.cli(['init', '--bridge', 'docker0']);
    expect(status).toBe(0);
    for (const name of ['c1', 'c2', 'c3'])
      expect(stdout).toContain(
        `    ${name}:\n      # named by docker\n      bridge: docker0\n      port: ${guests[name]?.port}\n      mac: ${guests[name]?.mac}\n`,
      );
  });

  it('its default bridge', async () => {
    const lan = makeLan(cage);
    const { answer, expected, stderr } = await answerOf(cage, 'docker-bridge', { ...chosen('c1', 'c2', 'c3'), lan });
    expect(answer, stderr).toEqual(expected);
  });

  it('a network with icc=false: IPv4 is stopped, and nothing else', async () => {
    const { i1, i2, i3 } = guests;
    if (i1 === undefined || i2 === undefined || i3 === undefined) throw new Error('no containers');
    const { answer, expected, stderr } = await answerOf(cage, 'docker-no-icc', { c1: i1, c2: i2, c3: i3 });
    expect(answer, stderr).toEqual(expected);
  });

  it('two networks, which its rules keep apart', async () => {
    const { answer, expected, stderr } = await answerOf(cage, 'docker-networks', networked(), /^no/);
    expect(answer, stderr).toEqual(expected);
    expect(answer.map(([, verdict]) => verdict)).toEqual(['holds', 'holds']);
  });

  it('two networks, when a reload of firewalld has emptied its chain of isolation (CVE-2025-54410)', async () => {
    // as firewalld's reload was seen to leave it: test/system/nightly
    cage.run('iptables -F DOCKER-ISOLATION-STAGE-1; iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN');
    const { answer, result, stderr } = await answerOf(cage, 'docker-networks', networked(), /^after/);
    expect(answer, stderr).toEqual([['after a reload of firewalld they reach each other', 'broken']]);
    const leaks = result.steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
    expect(leaks.map(({ observer, causes }) => [observer, causes[0]?.code])).toEqual([['b1', 'docker-isolation']]);
  });

  it('a published port is open to the LAN, at the host and at the container itself; one that is not stays shut', () => {
    const ask = (url: string): string =>
      cage.run(`ip netns exec lan busybox wget -q -T 2 -O - ${url} || echo refused`).trim();
    cage.run('mkdir -p /run/netns; docker exec c3 sh -c "echo published > /etc/it"');
    expect(ask('http://192.168.0.1:8080/it')).toBe('published');
    expect(ask('http://172.17.0.4:80/it')).toBe('published');
    expect(ask('http://172.17.0.2:80/it')).toBe('refused');
  });
});
