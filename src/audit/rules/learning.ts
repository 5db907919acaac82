import type { BridgeRule } from '../../core/audit/rule.js';
import { type BridgeView, isGroup, isOn, type PortView, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/** MACs of whoever is behind a port, not the port's own (`permanent`). */
function entriesOf({ fdb }: BridgeView, port: PortView): BridgeView['fdb'] {
  return fdb.filter((entry) => entry.port === port.name && !isGroup(entry.mac) && entry.state !== 'permanent');
}

/** Without learning only a static entry says where the guest is. */
export const learningOff: BridgeRule = (view) =>
  view.ports.length <= 2
    ? []
    : view.guests
        .filter(
          (port) =>
            isOn(port.settings, 'learning') === false && !entriesOf(view, port).some(({ state }) => state === 'static'),
        )
        .map((port) => ({
          severity: 'high',
          place: `${port.name}.learning`,
          value: 'off, no static entry',
          readFrom: `${readFrom.link}, ${readFrom.fdb}`,
          text: 'the bridge never knows that the guest is here: all unicast to it floods',
          probe: 'known-unicast',
          fix: `bridge fdb add MAC dev ${word(port.name)} master static`,
        }));

/**
 * A port that learns takes any source for the guest's; a static entry moves with it unless it is sticky. A locked port
 * refuses unknown sources.
 */
export const macStealable: BridgeRule = (view) =>
  view.guests.length < 2
    ? []
    : view.guests
        .filter((port) => !(isOn(port.settings, 'locked') === true && isOn(port.settings, 'learning') === false))
        .flatMap((port) =>
          entriesOf(view, port)
            .filter(({ flags }) => !flags.includes('sticky'))
            .map(
              (entry) =>
                ({
                  severity: 'low',
                  place: `${entry.mac} dev ${port.name}`,
                  value: entry.state,
                  readFrom: readFrom.fdb,
                  text:
                    entry.state === 'static'
                      ? 'a static entry that is not sticky: another port that sends with this MAC takes it over'
                      : 'learned only: another port that sends with this MAC takes it over',
                  probe: 'mac-steal',
                  fix: `bridge fdb replace ${word(entry.mac)} dev ${word(port.name)} master static sticky`,
                }) as const,
            ),
        );

/** A port that is not locked passes any source MAC. */
export const notLocked: BridgeRule = (view) =>
  view.guests
    .filter((port) => isOn(port.settings, 'locked') === false)
    .map((port) => ({
      severity: 'info',
      place: `${port.name}.locked`,
      value: 'off',
      readFrom: readFrom.link,
      text: 'frames of this guest pass with any source MAC',
      probe: 'mac-spoof',
      fix: `bridge link set dev ${word(port.name)} locked on learning off, and a static entry for the guest`,
    }));
