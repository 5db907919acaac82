import { describe, expect, it } from 'vitest';
import type { FoundCauseCode } from '../../../../../src/core/model/codes.js';
import { findAsText } from '../../../../support/judge/find-as-text.js';
import { a, b, flow, host, leak, of, step } from '../../../../support/judge/leak-fixture.js';
import { observerC } from '../../../../support/judge/row-fixture.js';

const [first, second] = ['DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2'];
const by = (key: 'iifname' | 'oifname', right: string, op = '==') => ({
  match: { op, left: { meta: { key } }, right },
});
const from = (addr: string, op = '==') => ({
  match: { op, left: { payload: { protocol: 'ip', field: 'saddr' } }, right: { prefix: { addr, len: 16 } } },
});
const to = (target: string) => ({ jump: { target } });
const established = { xt: { type: 'match', name: 'conntrack' } };
const [drop, accept, reject] = [{ drop: null }, { accept: null }, { xt: { type: 'target', name: 'REJECT' } }];
const rule = (place: string, ...expr: readonly object[]) => {
  const [family, table, chain] = place.split(' ');
  return { rule: { family, table, chain, handle: 9, expr: [{ counter: {} }, ...expr] } };
};
const chain = (place: string) => {
  const [family, table, name] = place.split(' ');
  const isHook = / (filter-)?forward$/i.test(place);
  return { chain: { family, table, name, ...(isHook ? { type: 'filter', hook: 'forward', prio: 0 } : {}) } };
};
const filter = (name: string) => `ip filter ${name}`;

const [inward, outward] = ['10.1.0.2', '10.2.0.2'];
const bounce = (bridges: readonly [string, string], listing: readonly object[]) => {
  const [bridgeOfA, bridgeOfB] = bridges;
  return leak({
    finding: of('routed-bounce', { carrier: 'ipv4-udp', observer: 'b' }),
    flow: { ...flow, frame: { ...flow.frame, srcIp: inward, dstIp: outward } },
    observer: { ...observerC, name: 'b' },
    before: host({ nft: { nftables: listing } }),
    from: { ...a, bridge: bridgeOfA },
    to: { ...b, bridge: bridgeOfB },
  });
};

/** The cause for a packet from one network in another. */
function foundAs(
  code: FoundCauseCode,
  rules: readonly object[],
  bridges: readonly [string, string],
  places: readonly string[],
) {
  return findAsText(code)(bounce(bridges, [...places.map(chain), ...rules]));
}

const published = ['docker0', 'br-a1'].map((device) => rule(filter('FORWARD'), by('oifname', device), to('DOCKER')));
const leads = ['docker0', 'br-a1'].map((device) =>
  rule(filter(first), by('iifname', device), by('oifname', device, '!='), to(second)),
);
const drops = ['docker0', 'br-a1'].map((device) => rule(filter(second), by('oifname', device), drop));
const ended = rule(filter(first), { return: null });
const stages = [rule(filter('FORWARD'), to('DOCKER-USER')), rule(filter('FORWARD'), to(first)), ...published];
const stagePlaces = ['FORWARD', 'DOCKER', 'DOCKER-USER', first, second].map(filter);

describe('Docker up to 27', () => {
  const found = (rules: readonly object[], bridges: readonly [string, string] = ['docker0', 'br-a1']) =>
    foundAs('docker-isolation', [...stages, ...rules], bridges, stagePlaces);

  it('is the cause where a chain of Docker does not drop what goes from one of its networks to another', () => {
    expect(found([ended])).toMatchObject({
      place: `nft ip filter ${first}`,
      text: `Docker keeps its networks apart by the chain ${first}, and it does not drop what goes from docker0 to br-a1`,
      fix: 'systemctl restart docker',
    });
    expect(found([...leads.slice(1), ...drops])).toMatchObject({ place: `nft ip filter ${first}` });
    expect(found([...leads, ...drops.slice(0, 1)])).toMatchObject({ place: `nft ip filter ${second}` });
  });

  it('is the cause beside an internal network, which has no chain of published ports', () => {
    const bridges = ['docker0', 'br-0123456789ab'] as const;
    const internal = rule(filter(first), from('10.2.0.0', '!='), by('oifname', 'br-0123456789ab'), drop);
    expect(found([ended], bridges)).toMatchObject({ place: `nft ip filter ${first}` });
    expect(found([internal, ended], bridges)).toBeNull();
  });

  it('is none where the chains drop it, between other bridges, and without Docker', () => {
    expect(found([...leads, ...drops, ended])).toBeNull();
    expect(found([ended], ['docker0', 'virbr0'])).toBeNull();
    expect(found([ended], ['docker0', 'docker0'])).toBeNull();
    expect(findAsText('docker-isolation')(bounce(['br0', 'br1'], []))).toBeNull();
  });

  it('is none where no barrier is promised', () => {
    const open = bounce(['docker0', 'br-a1'], [...stagePlaces.map(chain), ...stages, ended]);
    const expectation = { ...step.expect, open: [{ probe: open.finding.probe, observers: ['b'] }] };
    expect(findAsText('docker-isolation')({ ...open, step: { ...step, expect: expectation } })).toBeNull();
  });
});

describe('Docker from 28', () => {
  const steps = ['DOCKER-CT', 'DOCKER-INTERNAL', 'DOCKER-BRIDGE'];
  const places = ['FORWARD', 'DOCKER-FORWARD', ...steps, 'DOCKER'].map(filter);
  const bridges = ['br-a', 'br-b'] as const;
  const rules: Readonly<Record<string, readonly object[]>> = {
    FORWARD: [rule(filter('FORWARD'), to('DOCKER-FORWARD'))],
    'DOCKER-FORWARD': [
      ...steps.map((name) => rule(filter('DOCKER-FORWARD'), to(name))),
      ...bridges.map((device) => rule(filter('DOCKER-FORWARD'), by('iifname', device), accept)),
    ],
    'DOCKER-CT': bridges.map((device) => rule(filter('DOCKER-CT'), by('oifname', device), established, accept)),
    'DOCKER-BRIDGE': bridges.map((device) => rule(filter('DOCKER-BRIDGE'), by('oifname', device), to('DOCKER'))),
    DOCKER: bridges.map((device) => rule(filter('DOCKER'), by('iifname', device, '!='), by('oifname', device), drop)),
  };
  const without = (emptied: string, more: readonly object[] = []) =>
    foundAs(
      'docker-isolation',
      [...Object.entries(rules).flatMap(([name, of]) => (name === emptied ? [] : of)), ...more],
      bridges,
      places,
    );

  it.each(['DOCKER-FORWARD', 'DOCKER-BRIDGE', 'DOCKER'])('is the cause by its empty chain %s', (name) => {
    expect(without(name)).toMatchObject({ place: `nft ip filter ${name}`, value: 'drops nothing' });
  });

  it('is the cause by an empty chain of internal networks, where others are not', () => {
    const rest = rule(filter('DOCKER'), by('iifname', 'docker0', '!='), by('oifname', 'docker0'), drop);
    expect(without('DOCKER', [rest])).toMatchObject({ place: 'nft ip filter DOCKER-INTERNAL' });
  });

  it('is the cause by a hook that no longer leads there, and none where all stand', () => {
    expect(without('FORWARD')).toMatchObject({
      ...{ place: 'nft ip filter DOCKER-FORWARD', value: 'not reached' },
      text: 'Docker keeps its networks apart by the chain DOCKER-FORWARD, and no rule leads to it',
    });
    expect(without('')).toBeNull();
  });

  it('is the cause by its chains of nftables, to which verdict maps lead', () => {
    const table = 'ip docker-bridges';
    const [into, out] = ['filter-forward-in__br-b', 'filter-forward-out__br-a'];
    const map = (name: string, device: string, target: string) => ({
      map: {
        family: 'ip',
        table: 'docker-bridges',
        name,
        type: 'ifname',
        map: 'verdict',
        elem: [[device, to(target)]],
      },
    });
    const lead = (key: string, name: string) =>
      rule(`${table} filter-FORWARD`, { vmap: { key: { meta: { key } }, data: `@${name}` } });
    const listing = [
      map('ins', 'br-b', into),
      map('outs', 'br-a', out),
      ...[lead('oifname', 'ins'), lead('iifname', 'outs'), rule(`${table} ${out}`, accept)],
    ];
    const inTable = (more: readonly object[]) =>
      foundAs(
        'docker-isolation',
        [...listing, ...more],
        ['br-a', 'br-b'],
        [`${table} filter-FORWARD`, `${table} ${into}`, `${table} ${out}`],
      );
    const named = rule(`${table} x`, by('iifname', 'br-a'), by('oifname', 'br-b'), accept);
    expect(inTable([named])).toMatchObject({ place: `nft ${table} ${into}` });
    expect(inTable([named, rule(`${table} ${into}`, drop)])).toBeNull();
  });
});

describe('libvirt and Podman', () => {
  const bridges = ['virbr0', 'virbr1'] as const;
  const places = ['FORWARD', 'LIBVIRT_FWI', 'LIBVIRT_FWO'].map(filter);
  const jumps = ['LIBVIRT_FWI', 'LIBVIRT_FWO'].map((name) => rule(filter('FORWARD'), to(name)));
  const leaves = rule(filter('LIBVIRT_FWO'), by('iifname', 'virbr0'), accept);
  const rejects = rule(filter('LIBVIRT_FWI'), by('oifname', 'virbr1'), reject);

  it('is the cause where its chain rejects nothing', () => {
    expect(foundAs('networks-joined', [...jumps, leaves], bridges, places)).toMatchObject({
      place: 'nft ip filter LIBVIRT_FWI',
      text: 'libvirt keeps its networks apart by the chain LIBVIRT_FWI, and it does not drop what goes from virbr0 to virbr1',
      fix: expect.stringContaining('systemctl restart virtnetworkd'),
    });
    expect(foundAs('networks-joined', [...jumps, leaves, rejects], bridges, places)).toBeNull();
    expect(foundAs('networks-joined', [leaves, rejects], bridges, places)).toMatchObject({ value: 'not reached' });
    expect(foundAs('networks-joined', [], bridges, [])).toMatchObject({
      ...{ place: 'nft ip filter LIBVIRT_FWI', value: 'missing' },
      text: 'libvirt keeps its networks apart by the chain LIBVIRT_FWI, and it is missing',
    });
  });

  it('knows networks by its rules for their devices and addresses, whatever these are called', () => {
    const nat = ['10.1.0.0', '10.2.0.0'].map((addr) => rule('ip nat LIBVIRT_PRT', from(addr)));
    const found = (rules: readonly object[]) =>
      foundAs('networks-joined', [...jumps, ...rules], ['lan-a', 'lan-b'], places);
    expect(found(nat)).toMatchObject({ place: 'nft ip filter LIBVIRT_FWI' });
    expect(found(nat.slice(1))).toBeNull();
    const nft = ['forward', 'guest_input'].map((name) => `ip libvirt_network ${name}`);
    const own = ['lan-a', 'lan-b'].map((device) =>
      rule('ip libvirt_network guest_cross', by('iifname', device), accept),
    );
    const led = rule('ip libvirt_network forward', to('guest_input'));
    expect(foundAs('networks-joined', [led, ...own], ['lan-a', 'lan-b'], nft)).toMatchObject({
      place: 'nft ip libvirt_network guest_input',
    });
  });

  it('is the cause where a chain of Podman drops nothing', () => {
    const table = 'inet netavark';
    const netavark = ['FORWARD', 'NETAVARK-ISOLATION-1', 'NETAVARK-ISOLATION-2'].map((name) => `${table} ${name}`);
    const [hook = '', one = '', two = ''] = netavark;
    const start = rule(hook, to('NETAVARK-ISOLATION-1'));
    const lead = rule(one, by('iifname', 'podman1'), by('oifname', 'podman1', '!='), to('NETAVARK-ISOLATION-2'));
    const end = rule(two, by('oifname', 'podman2'), drop);
    const found = (...rules: readonly object[]) =>
      foundAs('networks-joined', [start, ...rules], ['podman1', 'podman2'], netavark);
    expect(found(end)).toMatchObject({ place: `nft ${one}`, fix: 'podman network reload --all' });
    expect(found(lead)).toMatchObject({ place: `nft ${two}` });
    expect(found(lead, end)).toBeNull();
  });
});

describe('a rule that accepts before another one would drop', () => {
  const found = (...rules: readonly object[]) =>
    foundAs('accepted-before', [...rules, ...stages, ...leads, ...drops, ended], ['docker0', 'br-a1'], stagePlaces);

  it('is the cause, and its deletion the fix', () => {
    expect(found(rule(filter('DOCKER-USER'), accept))).toEqual({
      place: 'nft ip filter DOCKER-USER handle 9',
      value: 'accept',
      text: `nft ip filter DOCKER-USER handle 9 accepts what goes from docker0 to br-a1 before nft ip filter ${second} handle 9 would drop it`,
      fix: 'nft delete rule ip filter DOCKER-USER handle 9',
    });
    expect(found(rule(filter('FORWARD'), by('iifname', 'docker0'), accept))).toMatchObject({
      place: 'nft ip filter FORWARD handle 9',
    });
  });

  it('is none where it takes other packets, where nothing would drop, and in another hook chain', () => {
    expect(found()).toBeNull();
    expect(found(rule(filter('DOCKER-USER'), by('iifname', 'virbr0'), accept))).toBeNull();
    expect(found(rule(filter('DOCKER-USER'), established, accept))).toBeNull();
    expect(found(rule(filter('DOCKER-USER'), { return: null }), rule(filter('DOCKER-USER'), accept))).toBeNull();
    expect(found(rule('inet other forward', accept))).toBeNull();
    expect(
      foundAs(
        'accepted-before',
        [rule(filter('FORWARD'), accept), ...stages, ended],
        ['docker0', 'br-a1'],
        stagePlaces,
      ),
    ).toBeNull();
  });
});
