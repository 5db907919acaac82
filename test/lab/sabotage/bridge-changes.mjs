import { execFileSync } from 'node:child_process';

// What somebody does to a port and its bridge while a run goes on.

const ip = (...words) => execFileSync('ip', words);
const vsctl = (...words) => execFileSync('ovs-vsctl', words);
const infoOf = (device) =>
  JSON.parse(execFileSync('ip', ['-j', '-d', 'link', 'show', 'dev', device], { encoding: 'utf8' }))[0].linkinfo;
/** Of a flag of a bridge port: `ip`'s words for what it is not, and for what it is. */
const otherAndUsual = (port, flag) => (infoOf(port).info_slave_data[flag] ? ['off', 'on'] : ['on', 'off']);
const addVeth = (name, peer) => {
  ip('link', 'add', 'dev', name, 'type', 'veth', 'peer', 'name', peer);
  ip('link', 'set', 'dev', peer, 'up');
};

const onLinux = ({ port, bridge }) => ({
  'the interface was deleted and made again'() {
    ip('link', 'del', 'dev', port);
    addVeth(port, 'peer0');
    ip('link', 'set', 'dev', port, 'master', bridge, 'up');
  },
  'the interface was taken off the bridge': () => ip('link', 'set', 'dev', port, 'nomaster'),
  'the interface was off the bridge for a moment'() {
    const flags = ['isolated', 'flood', 'mcast_flood', 'bcast_flood', 'learning', 'locked', 'hairpin'];
    const usual = flags.flatMap((flag) => [flag, otherAndUsual(port, flag)[1]]);
    for (const words of [['nomaster'], ['master', bridge], ['type', 'bridge_slave', ...usual]])
      ip('link', 'set', 'dev', port, ...words);
  },
  'the interface moved to another bridge'() {
    ip('link', 'add', 'br9', 'type', 'bridge');
    ip('link', 'set', 'br9', 'up');
    ip('link', 'set', 'dev', port, 'master', 'br9');
  },
  'a setting of the port was changed': () =>
    ip('link', 'set', 'dev', port, 'type', 'bridge_slave', 'hairpin', otherAndUsual(port, 'hairpin')[0]),
  'the port floods, or does not, for a moment'() {
    for (const flood of otherAndUsual(port, 'flood'))
      ip('link', 'set', 'dev', port, 'type', 'bridge_slave', 'flood', flood);
  },
  'the port is isolated, or is not, for a moment'() {
    for (const isolated of otherAndUsual(port, 'isolated'))
      execFileSync('bridge', ['link', 'set', 'dev', port, 'isolated', isolated]);
  },
  'the ageing time was changed and put back'() {
    const { ageing_time: usual } = infoOf(bridge).info_data;
    for (const ageing of [usual + 100, usual])
      ip('link', 'set', 'dev', bridge, 'type', 'bridge', 'ageing_time', String(ageing));
  },
  'a static entry came and went'() {
    const entry = ['02:00:00:00:09:09', 'dev', port, 'master'];
    execFileSync('bridge', ['fdb', 'add', ...entry, 'static']);
    execFileSync('bridge', ['fdb', 'del', ...entry]);
  },
  'a setting of the bridge was changed': () =>
    ip(
      'link',
      'set',
      'dev',
      bridge,
      'type',
      'bridge',
      'ageing_time',
      String(infoOf(bridge).info_data.ageing_time + 100),
    ),
  'a port joined the bridge'() {
    addVeth('late0', 'late1');
    ip('link', 'set', 'late0', 'master', bridge, 'up');
  },
});

/** Of what is put back Open vSwitch's database tells nobody (docs/faults.md). */
const onOvs = ({ port, bridge }) => ({
  'the interface was deleted and made again'() {
    ip('link', 'del', 'dev', port);
    addVeth(port, 'peer0');
    ip('link', 'set', 'dev', port, 'up');
  },
  'the interface was taken off the bridge': () => vsctl('del-port', bridge, port),
  'the interface moved to another bridge'() {
    const datapath = execFileSync('ovs-vsctl', ['get', 'Bridge', bridge, 'datapath_type'], { encoding: 'utf8' }).trim();
    vsctl(
      'add-br',
      'br9',
      '--',
      'set',
      'Bridge',
      'br9',
      `datapath_type=${datapath}`,
      '--',
      'del-port',
      bridge,
      port,
      '--',
      'add-port',
      'br9',
      port,
    );
  },
  'a setting of the port was changed': () => vsctl('set', 'Port', port, 'protected=true'),
  'a setting of the bridge was changed': () => vsctl('set', 'Bridge', bridge, 'mcast_snooping_enable=true'),
  'a port joined the bridge'() {
    addVeth('late0', 'late1');
    ip('link', 'set', 'late0', 'up');
    vsctl('add-port', bridge, 'late0');
  },
});

/**
 * Acts by the name of the sense that they break, for a port of a Linux bridge or of Open vSwitch's: a new one is one
 * entry.
 */
export const bridgeChanges = (cast) => (cast.ovs ? onOvs : onLinux)(cast);
