import { covers, prefixOf } from '../../bridge/routing.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { Endpoint } from '../../model/scenario.js';
import { waysOf } from '../../plan/flows/shortcuts.js';
import { etherTypes, macText } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { ipv4Text } from '../../wire/ipv4.js';
import { ipv6Text } from '../../wire/ipv6.js';

/** A direction of a step's traffic: `0/>` from → to of the first, `0/<` back. */
export interface Talk {
  readonly key: string;
  readonly source: string;
  readonly sourceMacs: readonly string[];
  readonly sinkMacs: readonly string[];
  /** True of another endpoint of either owner, or one of its zone with an address of the sink. */
  readonly mayAnswer: (third: Endpoint) => boolean;
  /** `SOURCE>SINK` of addresses in one network without a router between. */
  readonly onLink: ReadonlySet<string>;
}

/** Both directions of a step's traffic. */
export function talksOf(step: Pick<StepPlan, 'traffic'>, { endpoints }: Pick<Plan, 'endpoints'>): readonly Talk[] {
  return step.traffic.flatMap((traffic, index) =>
    waysOf(traffic).map(([way, source, sink]): Talk => {
      const [from, to] = [source, sink].map((wanted) => endpoints.find(({ name }) => name === wanted));
      const pairs = (from?.ips ?? []).flatMap(({ address, prefix, family }) => {
        const network = prefixOf(`${address}/${prefix}`, family);
        return (to?.ips ?? []).flatMap((ip) => {
          const host = prefixOf(ip.address, family);
          return network !== null && host !== null && covers(network, host) ? [`${address}>${ip.address}`] : [];
        });
      });
      const [sourceMacs, sinkMacs] = [from?.macs ?? [], to?.macs ?? []];
      const addresses = new Set(to?.ips.map(({ address }) => address));
      const owners = new Set([from?.owner, to?.owner].filter((owner) => owner !== undefined));
      const mayAnswer = ({ owner, zone, ips }: Endpoint): boolean =>
        (owner !== undefined && owners.has(owner)) ||
        (zone === to?.zone && ips.some(({ address }) => addresses.has(address)));
      return { key: `${index}/${way}`, source, sourceMacs, sinkMacs, mayAnswer, onLink: new Set(pairs) };
    }),
  );
}

/** Talks of frames between two MACs. */
export function talksBetween(talks: readonly Talk[], src: string, dst: string): readonly Talk[] {
  return talks.filter(({ sourceMacs, sinkMacs }) => sourceMacs.includes(src) && sinkMacs.includes(dst));
}

/**
 * Talks that frames to a third guest's MAC may belong to: the sender resolved the address to it (RFC 826, RFC 4861). IP
 * addresses decide. Another interface of either end, or a sharer of the address (VRRP), may answer for it; so may a
 * router or the host (RFC 1027).
 */
export function talksAstray(
  talks: readonly Talk[],
  { endpoints }: Pick<Plan, 'endpoints'>,
  src: string,
  dst: string,
): readonly Talk[] {
  const third = endpoints.filter(({ macs }) => macs.includes(dst));
  if (third.length === 0 || third.some(({ role }) => role !== 'guest')) return [];
  return talks.filter(
    ({ sourceMacs, sinkMacs, mayAnswer }) =>
      sourceMacs.includes(src) && ![...sourceMacs, ...sinkMacs].includes(dst) && !third.some(mayAnswer),
  );
}

/** True if a packet joins a source and a sink address in one network. */
export function isOfTalk({ onLink }: Talk, bytes: Uint8Array, view: FrameView): boolean {
  if (view.ipVersion === 0 || view.etherType === etherTypes.arp) return false;
  const text = view.ipVersion === 4 ? ipv4Text : ipv6Text;
  return onLink.has(`${text(bytes, view.srcIpAt)}>${text(bytes, view.dstIpAt)}`);
}

/** Talks of a frame. */
export function talksOfFrame(
  talks: readonly Talk[],
  plan: Pick<Plan, 'endpoints'>,
  bytes: Uint8Array,
  view: FrameView,
): readonly Talk[] {
  if (talks.length === 0 || view.etherType === etherTypes.arp) return [];
  const [src, dst] = [macText(bytes, view.srcMacAt), macText(bytes, view.dstMacAt)];
  const astray = talksAstray(talks, plan, src, dst).filter((talk) => isOfTalk(talk, bytes, view));
  return [...talksBetween(talks, src, dst), ...astray];
}
