import { advice, execute } from '../../bridge/changes.js';
import { type OvsBridgeView, ovsBridges, ovsText, referred, removeOvsMirror } from '../../bridge/ovs.js';
import { membersOf, valueIn } from '../../bridge/ovs-settings.js';
import type { OvsRecord } from '../../model/state.js';
import type { HostRule, RuleFinding } from '../rule.js';

/** What Open vSwitch takes where `mac-table-size` is not set (ovs-vswitchd.conf.db(5)). */
const usualTable = 8192;

function eachBridge(rule: (bridge: OvsBridgeView) => readonly RuleFinding[]): HostRule {
  return (reading) => ovsBridges(reading).flatMap(rule);
}

const flagged = (ports: readonly OvsRecord[]): readonly OvsRecord[] =>
  ports.filter((port) => port['protected'] === true);

/** VLANs that flood. */
export const ovsFloodingRule = eachBridge(({ name, record }) =>
  membersOf(record['flood_vlans']).length === 0
    ? []
    : [
        {
          severity: 'high',
          place: `${name}.flood_vlans`,
          value: membersOf(record['flood_vlans']).map(String).join(', '),
          readFrom: 'ovs-vsctl list Bridge',
          text: 'nothing is learned in these VLANs: all unicast floods',
          probe: 'known-unicast',
          fix: { changes: [execute('ovs-vsctl', 'clear', 'Bridge', name, 'flood_vlans')] },
        },
      ],
);

/** Mirrors, with whose frames they copy and to where. */
export const ovsMirrorRule: HostRule = (reading) =>
  ovsBridges(reading).flatMap(({ name, ports, mirrors }) =>
    mirrors.map((mirror) => {
      const names = (column: string): readonly string[] =>
        referred(ports, mirror[column]).map((port) => ovsText(port['name']));
      const selected = [...new Set([...names('select_src_port'), ...names('select_dst_port')])];
      const output =
        [...names('output_port'), ...membersOf(mirror['output_vlan']).map((vlan) => `VLAN ${String(vlan)}`)].join(
          ', ',
        ) || 'nowhere';
      return {
        severity: 'high',
        place: `${name} mirror ${ovsText(mirror['name'])}`,
        value: `${mirror['select_all'] === true ? 'everything' : selected.join(', ') || 'nothing'} to ${output}`,
        readFrom: 'ovs-vsctl list Mirror',
        text: 'frames of guests are copied to another port',
        probe: 'known-unicast',
        fix: { changes: [removeOvsMirror(ovsText(mirror['name']), name)] },
      } as const;
    }),
  );

/** `protected` acts between two ports that both have it: one alone floods to those that have it not. */
export const ovsProtectedOneSidedRule = eachBridge(({ ports }) =>
  flagged(ports).length !== 1
    ? []
    : flagged(ports).map(
        (port) =>
          ({
            severity: 'high',
            place: `${ovsText(port['name'])}.protected`,
            value: 'true, alone',
            readFrom: 'ovs-vsctl list Port',
            text: 'protection acts between protected ports: one alone has no effect',
            probe: 'known-unicast',
            fix: advice("ovs-vsctl set Port PORT protected=true on the other guests' ports"),
          }) as const,
      ),
);

/**
 * With a controller and without `secure` the switch goes on by MAC alone once the controller is gone: what its flows
 * kept apart meets.
 */
export const ovsFailOpenRule = eachBridge(({ name, record }) =>
  membersOf(record['controller']).length === 0 || record['fail_mode'] === 'secure'
    ? []
    : [
        {
          severity: 'medium',
          place: `${name}.fail_mode`,
          value: membersOf(record['fail_mode']).map(String)[0] ?? 'not set, which is standalone',
          readFrom: 'ovs-vsctl list Bridge',
          text: 'without its controller the switch forwards by MAC alone, past the flows that keep guests apart',
          probe: 'known-unicast',
          fix: { changes: [execute('ovs-vsctl', 'set-fail-mode', name, 'secure')] },
        },
      ],
);

/** A MAC that finds no room in the table is flooded to. */
export const ovsSmallTableRule = eachBridge(({ name, record }) => {
  const size = Number(valueIn(record['other_config'], 'mac-table-size') ?? usualTable);
  return !(size < usualTable)
    ? []
    : [
        {
          severity: 'medium',
          place: `${name}.other_config:mac-table-size`,
          value: String(size),
          readFrom: 'ovs-vsctl list Bridge',
          text: `with more than ${size} MACs, made up by one guest if need be, unicast to others floods`,
          probe: 'mac-flood',
          fix: { changes: [execute('ovs-vsctl', 'remove', 'Bridge', name, 'other_config', 'mac-table-size')] },
        },
      ];
});
