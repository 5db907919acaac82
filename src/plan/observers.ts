import type { Observer } from '../core/model/plan.js';
import type { Bridge, Endpoint } from '../core/model/scenario.js';

function observerOf(endpoint: Endpoint, bridgeMac: string | undefined, judged: boolean): Observer {
  const common = { name: endpoint.name, bridge: endpoint.bridge, role: endpoint.role, judged };
  switch (endpoint.attach) {
    case 'port':
      return { ...common, interface: endpoint.port ?? endpoint.name, place: 'port', macs: endpoint.macs };
    case 'promiscuous':
      return { ...common, interface: endpoint.port ?? endpoint.name, place: 'relay', macs: endpoint.macs };
    case 'host':
      return {
        ...common,
        interface: endpoint.bridge,
        place: 'bridge',
        macs: bridgeMac === undefined ? endpoint.macs : [bridgeMac],
      };
  }
}

/** What is behind a bridge device of a host can be heard only where it has an interface. */
function isHeard({ attach, port }: Endpoint): boolean {
  return attach !== 'promiscuous' || port !== null;
}

/**
 * Every place to listen in a step: each endpoint that is present, and each bridge device, which receives the entry
 * controls. A bridge device that is no endpoint of the scenario is observed but not judged.
 */
export function observersOf(
  present: readonly Endpoint[],
  bridges: readonly Bridge[],
  bridgeMacs: Readonly<Record<string, string>>,
  judgedNames: readonly string[] | null,
): readonly Observer[] {
  const isJudged = ({ name, tunnel }: Endpoint): boolean =>
    judgedNames === null ? tunnel === undefined : judgedNames.includes(name);
  const own = present
    .filter(isHeard)
    .map((endpoint) => observerOf(endpoint, bridgeMacs[endpoint.bridge], isJudged(endpoint)));
  const devices = bridges
    .filter((bridge) => !own.some((observer) => observer.place === 'bridge' && observer.bridge === bridge.name))
    .map((bridge): Observer => {
      const mac = bridgeMacs[bridge.name];
      return {
        name: bridge.name,
        interface: bridge.name,
        bridge: bridge.name,
        place: 'bridge',
        role: 'host',
        macs: mac === undefined ? [] : [mac],
        judged: false,
      };
    });
  return [...own, ...devices];
}
