import type { GuestRecord } from '../../model/host-config.js';
import { type GuestManager, rowsIn } from './guest-manager.js';
import { guestInSandbox } from './sandbox.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly nspawn: true;
  }
}

export const nspawn: GuestManager = {
  what: 'systemd-nspawn',
  where: ['/run/systemd/machines'],
  async queries(ask) {
    const rows = rowsIn(await ask(['machinectl', 'list', '--no-legend', '--no-pager']));
    return rows
      .filter(([, , service]) => service === 'systemd-nspawn')
      .map(([name = '']) => ({ argv: ['machinectl', 'show', '--property=Name,Leader,Service', name] }));
  },
  guests: ({ text }) => nspawnGuests(text),
};

/**
 * A container of systemd-nspawn, from lines `KEY=VALUE` of `machinectl show NAME`: Name, Leader (its first process) and
 * Service count (org.freedesktop.machine1(5)). Other services, such as libvirt, report their machines themselves.
 */
export function nspawnGuests(text: string): readonly GuestRecord[] {
  const lines = text.split('\n').map((line) => /^(\w+)=(.*)$/.exec(line.trim()));
  const values = new Map(lines.flatMap((line) => (line === null ? [] : [[line[1] ?? '', line[2] ?? ''] as const])));
  const [name = '', leader = ''] = [values.get('Name'), values.get('Leader')];
  return name === '' || values.get('Service') !== 'systemd-nspawn' || !/^[1-9]\d{0,9}$/.test(leader)
    ? []
    : [guestInSandbox('nspawn', name, `/proc/${leader}/ns/net`, { id: name })];
}
