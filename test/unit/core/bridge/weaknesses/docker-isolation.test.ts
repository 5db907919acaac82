import { expect, it } from 'vitest';
import { findAsText } from '../../../../support/judge/find-as-text.js';
import { a, b, host, leak, of } from '../../../../support/judge/leak-fixture.js';

const [first, second] = ['DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2'];
const by = (key: 'iifname' | 'oifname', right: string, op = '==') => ({
  match: { op, left: { meta: { key } }, right },
});
const to = (target: string) => ({ jump: { target } });
const rule = (chain: string, ...expr: readonly object[]) => ({ rule: { family: 'ip', table: 'filter', chain, expr } });
const published = ['docker0', 'br-a1'].map((device) =>
  rule('FORWARD', by('oifname', device), { counter: {} }, to('DOCKER')),
);
const leads = ['docker0', 'br-a1'].map((device) =>
  rule(first, by('iifname', device), by('oifname', device, '!='), { counter: {} }, to(second)),
);
const drops = ['docker0', 'br-a1'].map((device) =>
  rule(second, by('oifname', device), { counter: {} }, { drop: null }),
);
const ended = rule(first, { counter: {} }, { return: null });

/** The cause for a packet from one of Docker's networks in another. */
function found(rules: readonly object[], bridges: readonly [string, string] = ['docker0', 'br-a1']) {
  const chains = ['FORWARD', first, second].map((name) => ({ chain: { family: 'ip', table: 'filter', name } }));
  return findAsText('docker-isolation')(
    leak({
      finding: of('routed-bounce', { carrier: 'ipv4-udp' }),
      before: host({ nft: { nftables: [...chains, ...published, ...rules] } }),
      from: { ...a, bridge: bridges[0] },
      to: { ...b, bridge: bridges[1] },
    }),
  );
}

it('is the cause where a chain of Docker does not drop what goes from one of its networks to another', () => {
  expect(found([ended])).toMatchObject({
    place: `nft ip filter ${first}`,
    text: `Docker keeps its networks apart by the chain ${first}, and it does not drop what goes from docker0 to br-a1`,
    fix: 'systemctl restart docker',
  });
  expect(found([...leads.slice(1), ...drops])).toMatchObject({ place: `nft ip filter ${first}` });
  expect(found([...leads, ...drops.slice(0, 1)])).toMatchObject({ place: `nft ip filter ${second}` });
});

it('is none where the chains drop it, between other bridges, and without Docker', () => {
  expect(found([...leads, ...drops, ended])).toBeNull();
  expect(found([ended], ['docker0', 'virbr0'])).toBeNull();
  expect(found([ended], ['docker0', 'docker0'])).toBeNull();
  const bare = leak({
    finding: of('routed-bounce', { carrier: 'ipv4-udp' }),
    from: { ...a, bridge: 'docker0' },
    to: b,
  });
  expect(findAsText('docker-isolation')(bare)).toBeNull();
});
