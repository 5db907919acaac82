import { advice } from '../../bridge/changes.js';
import { word } from '../../text/escape.js';
import type { HostRule } from '../rule.js';

/** VMware lets a guest's adapter be promiscuous for every user that may write to its device. */
export const vmnetWritableRule: HostRule = ({ vmnet }) =>
  vmnet
    .filter(({ mode }) => (mode & 0o002) !== 0)
    .map(({ path, mode, group }) => ({
      severity: 'high',
      place: path,
      value: `mode ${(mode & 0o777).toString(8)}, group ${group}`,
      readFrom: `stat ${path}`,
      text: "every user may switch a VMware guest's adapter to promiscuous mode",
      probe: null,
      fix: advice(`chgrp a group of trusted users ${word(path)}, then chmod 660 ${word(path)}`),
    }));

export const vmnetPresentRule: HostRule = ({ vmnet }) =>
  vmnet.length === 0
    ? []
    : [
        {
          severity: 'info',
          place: '/dev/vmnet*',
          value: vmnet.map(({ path }) => path.replace('/dev/', '')).join(' '),
          readFrom: 'ls /dev',
          text: "VMware's networking is on this host; where it bridges a Linux bridge, every frame to its guests floods",
          probe: 'known-unicast',
          fix: null,
        },
      ];
