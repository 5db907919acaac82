import { harmlessTargets } from '../../bridge/bypass/known-good.js';
import { rulesText } from '../../bridge/rules-text.js';
import { receives } from '../../model/packet-socket.js';
import { tunnelKinds } from '../../bridge/view.js';
import { statesByHost } from '../../bridge/states-by-host.js';
import type { HostState, StepStates } from '../../model/state.js';
import { isLeak } from '../parties.js';
import { type FrameArrival, type ProbeSighting, raise, type StepTally, type Tallies } from './tally.js';

const maxKept = 10_000;

/**
 * Keeps a token that the host or a gateway sent to another than the probe's sender. A guest that rightly got it may
 * have sent it in fragments with that address (RFC 792). False = none, or no leak there.
 */
export function keepStackMade(
  { flow, sequence, stackMade }: ProbeSighting,
  arrival: FrameArrival,
  tallies: Tallies,
): boolean {
  const tally = tallies.steps[flow.step];
  const { observer } = arrival;
  if (stackMade === undefined || tally === undefined || !isLeak(flow, observer, tallies.parties)) return false;
  if (tally.sightings.hasToken(flow, sequence, observer.name)) return true;
  const key = `${flow.id}|${observer.name}|${stackMade}`;
  if (!tally.stackMade.has(key) && tally.stackMade.size >= maxKept) {
    raise(tally.replayed, observer.name);
    return true;
  }
  const known = tally.stackMade.get(key) ?? { flow, made: stackMade, firsts: new Map() };
  tally.stackMade.set(key, known);
  if (!known.firsts.has(sequence)) known.firsts.set(sequence, { ...arrival });
  return true;
}

/** Kinds of link (ip-link(8)) that wrap packets, beside those for Ethernet frames. */
const layer3Tunnels: readonly (string | null)[] = [
  'gre',
  'ip6gre',
  'ip6tnl',
  'ipip',
  'sit',
  'vti',
  'vti6',
  'wireguard',
];

const rewriting = {
  nft: /"mangle":\{"key":\{"payload"|"snat":/,
  tc: /"pedit"|"kind":"nat"|"skbmod"|"bpf"/,
  legacy: /^(SNAT|NETMAP|snat|dnat|arpreply|TPROXY)$/,
  flow: /set_field|mod_|move:|load:|\bnat\b/,
} as const;

const rewritingTargets: ReadonlySet<string> = new Set(['DNAT', 'MASQUERADE', 'NETMAP', 'REDIRECT', 'SNAT']);

function extensionsIn(nft: unknown): readonly (string | null)[] {
  const texts = new Set([...rulesText(nft).matchAll(/"xt":(\{[^{}]*\}|null)/g)].map(([, text = '']) => text));
  return [...texts].flatMap((text) => {
    const name = /"name":"([^"]*)"/.exec(text)?.[1] ?? null;
    return /"type":"match"/.test(text) ? [] : [name];
  });
}

function mayRewrite(state: HostState): boolean {
  if (rewriting.nft.test(rulesText(state.nft)) || rewriting.tc.test(rulesText(state.tc))) return true;
  const extensions = extensionsIn(state.nft);
  if (extensions.some((name) => name === null || rewritingTargets.has(name) || !harmlessTargets.has(name))) return true;
  if ((state.programs ?? []).some(({ onlyPasses }) => onlyPasses !== true)) return true;
  if (state.ovs?.bridges.some(({ flows }) => flows.some((flow) => rewriting.flow.test(flow))) === true) return true;
  return statesByHost(state).some(({ state: { legacyTables = [] } }) =>
    legacyTables.some(({ targets }) => targets === null || targets.some((target) => rewriting.legacy.test(target))),
  );
}

function mayCarry(state: HostState): boolean {
  if (state.links.some(({ kind }) => tunnelKinds.includes(kind) || layer3Tunnels.includes(kind))) return true;
  if (/"(queue|tproxy|dnat|redirect|masquerade)":|"nftrace"|"log":\{[^}]*"group"/.test(rulesText(state.nft)))
    return true;
  if (extensionsIn(state.nft).length > 0) return true;
  return statesByHost(state).some(
    ({ state: { packetSockets, logGroups = [], sharedTaps = {}, legacyTables = [], routing } }) =>
      packetSockets === null ||
      legacyTables.some(({ targets }) => (targets ?? []).length > 0) ||
      (packetSockets ?? []).some(receives) ||
      logGroups.length > 0 ||
      Object.keys(sharedTaps).length > 0 ||
      (routing?.policies ?? []).length > 0,
  );
}

/**
 * Kept tokens are sightings if a rule in a snapshot can have made the packets or none was read, else repetitions. Runs
 * after the capture, before rows.
 */
export function settleStackMade({ before, after, during = [] }: StepStates, tally: StepTally): void {
  const states = [before, ...during, after];
  const isRewritten = states.some((state) => state === null || mayRewrite(state));
  const isCarried = isRewritten || states.some((state) => state !== null && mayCarry(state));
  for (const { flow, made, firsts } of tally.stackMade.values())
    for (const [sequence, arrival] of firsts)
      if (made === 'reply' ? isRewritten : isCarried)
        tally.sightings.addToken(flow, sequence, arrival.observer.name, arrival);
      else raise(tally.replayed, arrival.observer.name);
  tally.stackMade.clear();
}
