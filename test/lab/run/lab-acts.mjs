import { enterLab } from '../../../build/system/fabric/lab/enter.js';
import { statusOf } from '../../../build/system/fabric/lab/launch.js';
import { buildLab } from '../../../build/system/fabric/lab/build.js';
import { readLinks, readState } from '../../../build/system/state/read.js';
import { startRelay } from '../../../build/system/traffic/relay-client.js';
import { exchangeHttp } from '../../../build/system/traffic/http.js';
import { exchangePing } from '../../../build/system/traffic/ping.js';
import { ip4, planOf } from './lab-plan.mjs';

const inside = enterLab((signal) => process.exit(statusOf(signal)));
const say = (value) => console.log(JSON.stringify(value));
const build = (topology) =>
  buildLab(planOf(topology), {
    inside,
    runIn: { folder: '.' },
    readState: () => readState({ netns: null, sysfs: inside.sysfs, sysctl: [] }),
    readLinks: () => readLinks({ netns: null, sysfs: inside.sysfs }),
    startRelay,
  });
const timed = async (run) => {
  const from = performance.now();
  const result = await run();
  return [Math.round(performance.now() - from), result];
};

const faultOf = async (run) => {
  try {
    await run();
    return null;
  } catch (error) {
    return { code: error.code, exitCode: error.exitCode, message: error.message };
  }
};
const guests = [
  { name: 'a', ips: [ip4('10.7.0.1')] },
  { name: 'b', ips: [ip4('10.7.0.2')], settings: { isolated: true } },
  { name: 'lan', port: 'uplink', ips: [ip4('10.7.0.3')], role: 'uplink' },
];
const vm = { name: 'vm', port: 'vmnet', attach: 'promiscuous', ips: [ip4('10.7.0.4')], started: false };
const flagsOf = async (fabric, name) => (await fabric.readState()).links.find((link) => link.name === name)?.sysFlags;

const acts = {
  talk: async () => {
    const fabric = await build({
      bridges: [{ name: 'br0', settings: { ageing_time: 3000 } }],
      endpoints: [...guests, vm],
    });
    await fabric.settled();
    const pair = (from, to) => ({ client: fabric.sendingPlace(from), server: fabric.sendingPlace(to) });
    const http = await exchangeHttp({ ...pair('a', 'lan'), address: '10.7.0.3', requests: 5, bytes: 100000 });
    const ping = await exchangePing({ ...pair('a', 'b'), address: '10.7.0.2', requests: 5, bytes: 56 });
    const rest = await flagsOf(fabric, 'br0');
    await fabric.apply({ kind: 'start', endpoint: 'vm' });
    const relayed = await flagsOf(fabric, 'br0');
    const behind = await exchangeHttp({ ...pair('a', 'vm'), address: '10.7.0.4', requests: 3, bytes: 100000 });
    const burst = await exchangePing({ ...pair('lan', 'vm'), address: '10.7.0.4', requests: 50, bytes: 1000 });
    await fabric.apply({ kind: 'stop', endpoint: 'vm' });
    const after = await flagsOf(fabric, 'br0');
    await fabric.apply({ kind: 'start', endpoint: 'vm' });
    const again = await exchangePing({ ...pair('lan', 'vm'), address: '10.7.0.4', requests: 3, bytes: 56 });
    say({ http: http, ping, rest, relayed, behind, burst, after, again, faults: fabric.faults() });
    await fabric.close();
  },
  changes: async () => {
    const fabric = await build({ endpoints: guests });
    const records = [];
    const apply = async (change) => records.push(await fabric.apply(change));
    await apply({ kind: 'set', device: 'br0', place: 'bridge', key: 'ageing_time', value: 0 });
    await apply({ kind: 'set', device: 'vnet1', place: 'port', key: 'flood', value: false });
    await apply({ kind: 'set', device: 'br0', place: 'bridge', key: 'group_fwd_mask', value: '4000' });
    await apply({ kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' });
    await apply({
      kind: 'fdb',
      act: 'add',
      entry: { mac: '52:54:00:00:00:01', port: 'vnet1', state: 'static', sticky: true, vlan: null, self: false },
    });
    await apply({
      kind: 'fdb',
      act: 'del',
      entry: { mac: '52:54:00:00:00:01', port: 'vnet1', state: 'static', sticky: true, vlan: null, self: false },
    });
    await apply({
      kind: 'fdb',
      act: 'add',
      entry: { mac: '52:54:00:00:00:09', port: 'br0', state: 'permanent', sticky: false, vlan: null, self: true },
    });
    await apply({ kind: 'mdb', act: 'add', bridge: 'br0', entry: { group: '239.1.1.1', port: 'vnet1', vlan: null } });
    await apply({ kind: 'mdb', act: 'del', bridge: 'br0', entry: { group: '239.1.1.1', port: 'vnet1', vlan: null } });
    await apply({ kind: 'fdb-flush', bridge: 'br0' });
    await apply({ kind: 'run', argv: ['nft', 'add', 'table', 'bridge', 't'] });
    await apply({ kind: 'stop', endpoint: 'a' });
    await apply({ kind: 'start', endpoint: 'a' });
    await apply({ kind: 'set', device: 'br0', place: 'bridge', key: 'stp_state', value: 1 });
    const adjusted = await faultOf(() =>
      build({ bridges: [{ name: 'br1', settings: { forward_delay: 0, stp_state: 1 } }] }),
    );
    const state = await fabric.readState();
    say({
      readBacks: records.map((record) => record.readBack),
      adjusted,
      floodAfterRestart: state.links.find((link) => link.name === 'vnet1').port.flood,
      isolated: state.links.find((link) => link.name === 'vnet2').port.isolated,
      unread: state.unread,
    });
    await fabric.close();
  },
  hostile: async () => {
    const names = ['$(id)', ';id;', '-n', 'a', "q'x", 'h#h', 'master'];
    const fabric = await build({
      endpoints: names.map((port, i) => ({ port, ...(i % 2 ? { ips: [ip4(`10.7.0.${i + 1}`)] } : {}) })),
    });
    await fabric.settled();
    const { links } = await fabric.readState();
    say(links.filter((link) => link.master === 'br0').map((link) => link.name));
    await fabric.close();
  },
  where: () => say({ ...inside, pid: process.pid }),
  exit: (status) => process.exit(Number(status)),
  stay: () => {
    console.log('ready');
    setInterval(() => undefined, 1000);
  },
  times: async (count, kind) => {
    const endpoints = Array.from({ length: Number(count) }, (_, i) =>
      kind === 'ip' ? { ips: [ip4(`10.7.${(i + 1) >> 8}.${(i + 1) & 255}`, 16)] } : {},
    );
    const [buildMs, fabric] = await timed(() => build({ endpoints }));
    const [settledMs] = await timed(() => fabric.settled());
    const [stateMs, state] = await timed(() => fabric.readState());
    say({ buildMs, settledMs, stateMs, links: state.links.length, unread: state.unread });
    await fabric.close();
  },
};
export async function act([name, ...args]) {
  await acts[name](...args);
}
