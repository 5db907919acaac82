import type { Primitive } from '../attack.js';
import { guests } from '../guests.js';
import { guestReceiver } from '../receivers.js';
import { privateProbe } from '../selections.js';

/** Groups of type all: each bucket gets a copy. */
const group: Primitive = {
  name: 'Open vSwitch group',
  kind: 'unknown-copy',
  fabrics: ['ovs'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const number = 1 + random.below(1000);
    const carrier = random.pick(['raw', 'ipv4-udp', 'ipv6-udp']);
    const table = random.pick([0, 0, 7]);
    const last = `group:${number}`;
    return {
      kind: 'unknown-copy',
      fabric: 'ovs',
      primitive: this.name,
      place: 'bridge',
      receiver: 'port',
      detail: `${carrier} to ${to}${table === 0 ? '' : `, table ${table}`}`,
      due: 'broken',
      ears: guestReceiver(to).ears,
      probe: privateProbe(carrier, 16),
      expect: 'private',
      setup: [
        `ovs-ofctl -O OpenFlow13 add-group br0 group_id=${number},type=all,bucket=output:p1,bucket=output:${guests[to].port}`,
        ...(table === 0
          ? [`ovs-ofctl -O OpenFlow13 add-flow br0 priority=900,in_port=p0,dl_dst=${guests.b.mac},actions=${last}`]
          : [
              `ovs-ofctl -O OpenFlow13 add-flow br0 table=${table},priority=1,actions=${last}`,
              `ovs-ofctl -O OpenFlow13 add-flow br0 priority=900,in_port=p0,dl_dst=${guests.b.mac},actions=goto_table:${table}`,
            ]),
      ],
      undo: [
        'ovs-ofctl -O OpenFlow13 del-flows br0 in_port=p0',
        ...(table === 0 ? [] : [`ovs-ofctl -O OpenFlow13 del-flows br0 table=${table}`]),
        `ovs-ofctl -O OpenFlow13 del-groups br0 group_id=${number}`,
      ],
    };
  },
};

/** A mirror of the switch: the program has always found it. */
const mirror: Primitive = {
  name: 'Open vSwitch mirror',
  kind: 'plain',
  fabrics: ['ovs'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const select = random.pick(['select_all=true', 'select_src_port=@s', 'select_dst_port=@d']);
    return {
      kind: 'plain',
      fabric: 'ovs',
      primitive: this.name,
      place: 'bridge',
      receiver: 'port',
      detail: `${select.split('=')[0]} to ${to}`,
      due: 'broken',
      ears: guestReceiver(to).ears,
      probe: privateProbe('raw, ipv4-udp', 12),
      expect: 'private',
      setup: [
        `ovs-vsctl -- --id=@s get Port p0 -- --id=@d get Port p1 -- --id=@o get Port ${guests[to].port} -- --id=@m create Mirror name=adv ${select} output_port=@o -- set Bridge br0 mirrors=@m`,
      ],
      // flows that are cached go on being mirrored until they are thrown away
      undo: [
        'ovs-vsctl -- --id=@m get Mirror adv -- clear Mirror adv select_src_port -- clear Mirror adv select_dst_port -- set Mirror adv select_all=false',
        'ovs-vsctl clear Bridge br0 mirrors',
        'ovs-appctl -t ovs-vswitchd revalidator/purge || ovs-appctl revalidator/purge',
      ],
    };
  },
};

export const openVSwitch: readonly Primitive[] = [group, mirror];
