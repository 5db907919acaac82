import { linkNamed } from '../bridge/host.js';
import { waypoints } from '../bridge/bypass/segment.js';
import { tcCopies } from '../bridge/rules.js';
import type { UnheardPort } from '../bridge/ovs.js';
import { type BridgeView, bridgeViews, stateAlone } from '../bridge/view.js';
import { statesByHost } from '../bridge/states-by-host.js';
import { nftCopies } from '../bridge/weaknesses/mirrors.js';
import { onHost } from '../model/host-names.js';
import type { HostState } from '../model/state.js';

interface Copy {
  readonly to: string;
  readonly by: string;
}

function copiesFrom(devices: ReadonlySet<string>, state: HostState): readonly Copy[] {
  return [
    ...tcCopies(devices, state).map(({ from, to, place }) => ({ to, by: `tc at ${from} ${place}` })),
    ...nftCopies(devices, state).flatMap(({ device, address, place }) =>
      device === null || address !== null ? [] : [{ to: device, by: `nft in ${place}` }],
    ),
  ];
}

function copiesOf(view: BridgeView, state: HostState): readonly UnheardPort[] {
  const unheard: UnheardPort[] = [];
  const looked = new Set(view.devices);
  const copies = [...copiesFrom(view.devices, state)];
  for (const { to, by } of copies) {
    const link = linkNamed(state, to);
    if (link === undefined || view.devices.has(to) || link.flags.includes('LOOPBACK')) continue;
    if (!waypoints.includes(link.kind))
      unheard.push({
        bridge: view.name,
        port: to,
        reason: `${by} carries frames there, and it is no port of ${view.name}`,
      });
    else if (!looked.has(to)) {
      looked.add(to);
      for (const onward of copiesFrom(new Set([to]), state)) copies.push({ ...onward, by: `${by}, and ${onward.by},` });
    }
  }
  return unheard;
}

/** Destinations of tc and nft copies outside the bridge's ports, also through an ifb. */
export function copiesElsewhere(merged: HostState): readonly UnheardPort[] {
  return statesByHost(merged).flatMap(({ host, state }) =>
    bridgeViews(stateAlone(state))
      .flatMap((view) => copiesOf(view, state))
      .map(({ bridge, port, reason }) => ({ bridge: onHost(host, bridge), port: onHost(host, port), reason })),
  );
}
