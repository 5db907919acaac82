import { isOnPort } from '../../model/attach.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { Reason } from '../../model/result.js';
import type { HostState, LinkState, StepStates } from '../../model/state.js';
import { reason } from '../reasons.js';

/** VLANs that a sender's probes are tagged with on the outside, by sender. */
function outerVlans({ flows }: StepPlan): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  for (const { sender, vlan } of flows) {
    const vlans = found.get(sender) ?? new Set();
    const [outer] = vlan;
    if (outer !== undefined) vlans.add(outer);
    found.set(sender, vlans);
  }
  return found;
}

function reasonsAt(
  state: HostState,
  sender: string,
  port: LinkState,
  vlans: ReadonlySet<number>,
  injected: boolean,
): readonly Reason[] {
  const takers = state.links.filter(
    ({ kind, lower, vlanId, flags }) =>
      kind === 'vlan' && lower === port.name && flags.includes('UP') && vlanId !== undefined && vlans.has(vlanId),
  );
  return [
    ...(injected && port.xdp !== undefined
      ? [
          reason(
            'entry-unproved',
            sender,
            `XDP ${port.xdp} stands at ${port.name}, and frames that are injected there do not meet it: what ${sender} itself sends may fare otherwise`,
          ),
        ]
      : []),
    ...takers.map(({ name, vlanId }) =>
      reason(
        'entry-unproved',
        sender,
        `${name} takes frames of VLAN ${vlanId ?? ''} away at ${port.name}, before the bridge sees them`,
      ),
    ),
  ];
}

/**
 * What at a sender's port keeps its probes from the bridge, or lets them pass where the guest's own frames might not,
 * though every control arrived: a program of XDP, which frames that tc redirects do not meet, and a VLAN device on the
 * port, to which the kernel hands tagged frames before the bridge (__netif_receive_skb_core, net/core/dev.c). States of
 * versions that did not look for programs give none.
 */
export function entryInStateReasons(plan: Plan, step: StepPlan, { before, after }: StepStates): readonly Reason[] {
  const vlans = outerVlans(step);
  const found = [before, after].flatMap((state) =>
    state?.programs === undefined
      ? []
      : plan.endpoints.flatMap(({ name, attach, port, netns }) => {
          const own = vlans.get(name);
          const link = isOnPort(attach) ? state.links.find((link) => link.name === port) : undefined;
          return own === undefined || link === undefined
            ? []
            : reasonsAt(state, name, link, own, plan.provider === 'host' && netns === null);
        }),
  );
  return [...new Map(found.map((one) => [one.text, one])).values()];
}
