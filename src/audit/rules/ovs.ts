import type { OvsRecord } from '../../model/reading.js';
import type { HostRule, RuleFinding } from '../rule.js';
import { word } from '../shell-word.js';

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** A column of a set type prints as ["set", []] when it is empty (RFC 7047 5.1). */
function isEmptySet(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value[0] === 'set' && Array.isArray(value[1]) && value[1].length === 0);
}

function bridgeFindings(bridge: OvsRecord): readonly RuleFinding[] {
  const name = text(bridge['name']);
  return isEmptySet(bridge['flood_vlans']) ? [] : [{
    severity: 'high', place: `${name}.flood_vlans`, value: text(bridge['flood_vlans']), readFrom: 'ovs-vsctl list Bridge',
    text: 'nothing is learned in these VLANs: all unicast floods', probe: 'known-unicast', fix: `ovs-vsctl clear Bridge ${word(name)} flood_vlans`,
  }];
}

/** Open vSwitch: VLANs that flood, mirrors. */
export const ovsFlooding: HostRule = ({ ovs }) => (ovs?.bridges ?? []).flatMap(bridgeFindings);

export const ovsMirror: HostRule = ({ ovs }) => (ovs?.mirrors ?? []).map((mirror) => ({
  severity: 'high', place: `mirror ${text(mirror['name'])}`, value: `output ${text(mirror['output_port'])}`, readFrom: 'ovs-vsctl list Mirror',
  text: 'frames of guests are copied to another port', probe: 'known-unicast', fix: `ovs-vsctl -- --id=@m get Mirror ${word(text(mirror['name']))} -- remove Bridge BRIDGE mirrors @m`,
}));

/** One protected port alone floods to the ports that are not. */
export const ovsProtectedOneSided: HostRule = ({ ovs }) => {
  const ports = ovs?.ports ?? [];
  const isProtected = ports.filter((port) => port['protected'] === true);
  return isProtected.length !== 1 ? [] : isProtected.map((port) => ({
    severity: 'high', place: `${text(port['name'])}.protected`, value: 'true, alone', readFrom: 'ovs-vsctl list Port',
    text: 'protection acts between protected ports: one alone has no effect', probe: 'known-unicast', fix: 'ovs-vsctl set Port PORT protected=true on the other guests\' ports',
  }));
};
