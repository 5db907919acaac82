import type { BridgeRule } from '../../core/audit/rule.js';
import { readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/**
 * Nothing is learned at ageing time 0 (CVE-2019-15753). Two ports have nobody else to flood to: OpenStack's qbr bridges
 * are made like that.
 */
export const ageingZero: BridgeRule = ({ name, settings, ports }) =>
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
          fix: `ip link set dev ${word(name)} type bridge ageing_time 30000`,
        },
      ];
