import { hostOf, onHost } from '../../model/host-names.js';
import type { StepPlan } from '../../model/plan.js';
import type { Reason } from '../../model/result.js';
import type { StepStates } from '../../model/state.js';
import { lostEvents, type SettingChange } from '../../model/timeline.js';
import { reason } from '../reasons.js';

/**
 * Links that were told to be ports of the step's bridges while it ran and are none at its readings: who is behind one
 * got what was flooded meanwhile. Where the kernel had more events than it kept there may have been some.
 */
export function passingPorts(
  step: StepPlan,
  { before, after }: StepStates,
  settings: readonly SettingChange[],
): readonly Reason[] {
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const readings = [before, after].flatMap((state) => state?.links ?? []);
  const nameOf = (host: string | null, ifindex: number): string | undefined =>
    readings.find((link) => link.ifindex === ifindex && hostOf(link.name) === host)?.name;
  const isPort = (host: string | null, ifindex: number, bridge: string): boolean =>
    readings.some((link) => link.ifindex === ifindex && link.master === bridge && hostOf(link.name) === host);
  return settings.flatMap(({ ifindex, what, host = null, name, masters = [] }): readonly Reason[] => {
    if (what === lostEvents)
      return [
        reason(
          'state-unread',
          null,
          `${host === null ? 'the kernel' : `the kernel of ${host}`} told more of links than it could keep: what came and went meanwhile is not known`,
        ),
      ];
    if (ifindex === null) return [];
    return masters
      .flatMap((master) => nameOf(host, master) ?? [])
      .filter((bridge) => bridges.has(bridge) && !isPort(host, ifindex, bridge))
      .map((bridge) =>
        reason(
          'settings-changed',
          null,
          `${name === undefined ? `interface ${ifindex}` : onHost(host, name)} joined ${bridge} while probes were under way, and left it`,
        ),
      );
  });
}
