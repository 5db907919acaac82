import { advice, setBridge, setPort, setEntry } from '../../bridge/changes.js';
import { type BridgeView, isGroup, isSettingOn, type PortView, readFrom } from '../../bridge/view.js';
import { word } from '../../text/escape.js';
import type { BridgeRule } from '../rule.js';

/** MACs of what is behind a port, not the port's own (`permanent`). */
function entriesOf({ fdb }: BridgeView, port: PortView): BridgeView['fdb'] {
  return fdb.filter((entry) => entry.port === port.name && !isGroup(entry.mac) && entry.state !== 'permanent');
}

/** Without learning only a static entry says where the guest is. */
export const learningOffRule: BridgeRule = (view) =>
  view.ports.length <= 2
    ? []
    : view.guests
        .filter(
          (port) =>
            isSettingOn(port.settings, 'learning') === false &&
            !entriesOf(view, port).some(({ state }) => state === 'static'),
        )
        .map((port) => ({
          severity: 'high',
          place: `${port.name}.learning`,
          value: 'off, no static entry',
          readFrom: `${readFrom.link}, ${readFrom.fdb}`,
          text: 'the bridge never knows that the guest is here: all unicast to it floods',
          probe: 'known-unicast',
          fix: advice(`bridge fdb add MAC dev ${word(port.name)} master static`),
        }));

/**
 * A port that learns takes any source for the guest's; a static entry moves with it unless it is sticky. A locked port
 * refuses unknown sources.
 */
export const macStealableRule: BridgeRule = (view) =>
  view.guests.length < 2
    ? []
    : view.guests
        .filter(
          (port) =>
            !(isSettingOn(port.settings, 'locked') === true && isSettingOn(port.settings, 'learning') === false),
        )
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
                  fix: { changes: [setEntry(entry.mac, port.name, true)] },
                }) as const,
            ),
        );

/** A port that is not locked passes any source MAC. */
export const notLockedRule: BridgeRule = (view) =>
  view.guests
    .filter((port) => isSettingOn(port.settings, 'locked') === false)
    .map((port) => ({
      severity: 'info',
      place: `${port.name}.locked`,
      value: 'off',
      readFrom: readFrom.link,
      text: 'frames of this guest pass with any source MAC',
      probe: 'mac-spoof',
      fix: {
        changes: [setPort(port.name, 'locked', true), setPort(port.name, 'learning', false)],
        also: ', and a static entry for the guest',
      },
    }));

/**
 * Nothing is learned at ageing time 0 (CVE-2019-15753). Two ports have nobody else to flood to: OpenStack's qbr bridges
 * are made like that.
 */
export const ageingZeroRule: BridgeRule = ({ name, settings, ports }) =>
  settings['ageing_time'] !== 0 || ports.length <= 2
    ? []
    : [
        {
          severity: 'high',
          place: `${name}.ageing_time`,
          value: '0',
          readFrom: readFrom.link,
          text: 'nothing is learned: all unicast between any two ports floods to every other',
          probe: 'known-unicast',
          fix: { changes: [setBridge(name, 'ageing_time', 30_000)] },
        },
      ];

/** A limit on learned entries fails open: a MAC that does not fit is flooded to. */
export const fdbLimitRule: BridgeRule = ({ name, settings }) => {
  const limit = settings['fdb_max_learned'];
  const learned = settings['fdb_n_learned'];
  if (typeof limit !== 'number' || limit === 0 || typeof learned !== 'number') return [];
  const full = learned >= limit;
  return [
    {
      severity: full ? 'high' : 'medium',
      place: `${name}.fdb_max_learned`,
      value: `${learned} of ${limit} learned`,
      readFrom: readFrom.link,
      text: full
        ? 'the database is full: unicast to every MAC that does not fit floods'
        : 'a guest that fills the database with made-up MACs makes unicast to others flood',
      probe: 'mac-flood',
      fix: advice('raise the limit, give guests static entries, and flood off on their ports'),
    },
  ];
};
