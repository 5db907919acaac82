import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The observer's port is, or may become, a multicast router port, which gets every group. */
export const mcastRouterPort: CauseFinder = (leak) => {
  const { port, step, finding } = leak;
  const asked =
    finding.class === 'igmp-query' &&
    step.flows.some(
      (flow) => flow.purpose === 'stimulus' && flow.class === 'igmp-query' && flow.from === finding.observer,
    );
  const value = Number(port?.port?.['multicast_router'] ?? 0);
  if (port === null || isUnicast(leak) || !(value === 2 || (asked && value > 0))) return null;
  return {
    place: `${port.name}.multicast_router`,
    value: String(value),
    text:
      value === 2
        ? `${port.name} is a multicast router port and gets every group`
        : `a query makes ${port.name} a multicast router port, which gets every group`,
    fix: `bridge link set dev ${word(port.name)} mcast_router 0`,
  };
};
