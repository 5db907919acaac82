import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalHelper } from '../../support/lab/in-lab.mjs';
import { bridgeChanges } from './bridge-changes.mjs';
import {
  atEars,
  beforeAll,
  file,
  inTheMiddle,
  isProbe,
  lie,
  ownEar,
  removeBlock,
  requests,
  sending,
  swapDirections,
} from './broken-devices.mjs';

/** The name under which a gate is repeated with nothing broken. */
export const unbroken = 'nothing broken';

const facts = { engine: 'libpcap', timestamps: 'kernel', originalLength: true, direction: 'known' };
const ip = (...words) => execFileSync('ip', words);

/** Takes the guest's own end of its link down: its namespace is one of those that the lab, this process, holds open. */
function unplug(mac) {
  const spaces = readdirSync('/proc/self/fd')
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('net:[');
      } catch {
        return false;
      }
    })
    .map((fd) => `/proc/${process.pid}/fd/${fd}`);
  for (const space of spaces) {
    const inside = (...words) => execFileSync('nsenter', [`--net=${space}`, 'ip', ...words], { encoding: 'utf8' });
    const link = JSON.parse(inside('-j', 'link', 'show')).find(({ address }) => address === mac);
    if (link !== undefined) return void inside('link', 'set', 'dev', link.ifname, 'down');
  }
  throw new Error(`no namespace of the lab has ${mac}`);
}

/**
 * Who plays whom: `victim` is the observer that loses its ear, on `port`; `sender` is whose probes are meddled with, on
 * `senderPort`, with the MAC `mac`; `victimMac` is the victim's; all on `bridge`, which may be Open vSwitch's (`ovs`).
 * `addressed`: probes go to the victim, or may. Where the host itself is an endpoint it is the victim, by the bridge
 * device.
 */
export function castOf(scenario) {
  const { endpoints } = scenario.topology;
  const step = scenario.steps.at(-1);
  const entries = [...step.probes, ...step.traffic];
  const endsOf = (entry) => [entry.from, entry.to ?? []].flat();
  const from = [entries[0].from].flat();
  const ends = endsOf(entries[0]);
  const onPort = endpoints.filter(({ attach, started }) => ['port', 'routed'].includes(attach) && started);
  const victim =
    endpoints.find(({ attach }) => attach === 'host') ??
    onPort.find(({ name, role }) => role === 'guest' && !ends.includes(name)) ??
    onPort.find(({ name }) => !from.includes(name)) ??
    onPort.at(-1);
  const sender = endpoints.find(({ name }) => from.includes(name) && name !== victim.name) ?? onPort[0];
  return {
    victim: victim.name,
    victimMac: victim.macs[0],
    port: victim.port ?? victim.bridge,
    sender: sender.name,
    senderPort: sender.port,
    mac: sender.macs[0],
    bridge: victim.bridge,
    ovs: scenario.topology.bridges.some(({ name, kind }) => name === victim.bridge && kind === 'ovs'),
    addressed: entries.flatMap(endsOf).includes(victim.name),
  };
}

/**
 * Every way in which the tool's own senses are broken while it runs: a function from the kernel's devices to broken
 * ones. A new way is one entry.
 */
export function sensesOf({ victim, victimMac, port, senderPort, mac, bridge, ovs }) {
  return {
    'a filter that matches nothing': requests(victim, (one) => ({ ...one, filter: 'ether proto 0x9999' })),
    'the observer on the wrong interface': requests(victim, (one) => ({ ...one, device: senderPort })),
    'the observer on the loopback': requests(victim, (one) => ({ ...one, device: 'lo' })),
    'the ear hears what goes to the guest, and not what it sends': requests(victim, (one) => ({
      ...one,
      watch: 'bridge',
    })),
    'what goes to the guest and what it sends taken for one another': file((path) => swapDirections(path)),
    'the capture never started': requests(victim, () => null),
    'the capture started late and said that it was there': ownEar(victim, ({ others, ear, split }) => ({
      async open(all) {
        const [rest, mine] = split(all);
        this.later = mine;
        return [...(await others.open(rest)), { observer: victim, facts, version: 'none' }];
      },
      async mark(id) {
        if (id === 'between') await ear.open(this.later);
        return others.mark(id);
      },
    })),
    'the capture stopped early': ownEar(victim, ({ others, ear, split }) => {
      let early = null;
      return {
        async open(all) {
          const [rest, mine] = split(all);
          return (await Promise.all([others.open(rest), ear.open(mine)])).flat();
        },
        async mark(id) {
          if (id === 'between') {
            early = await ear.stop();
            ear.stop = async () => early;
          }
          return others.mark(id);
        },
      };
    }),
    'the capture helper paused through the probes': inTheMiddle(async ({ capture }) => {
      signalHelper(capture.pids()[0], 'SIGSTOP');
      await sleep(4500);
      signalHelper(capture.pids()[0], 'SIGCONT');
    }),
    'the capture helper killed': inTheMiddle(({ capture }) => signalHelper(capture.pids()[0], 'SIGKILL')),
    'the capture helper aborted': inTheMiddle(({ capture }) => signalHelper(capture.pids()[0], 'SIGABRT')),
    'the sending helper killed': inTheMiddle(({ sender }) => signalHelper(sender.pid, 'SIGKILL')),
    'frames dropped in a ring too small': (devices) => {
      const small = requests(victim, (one) => ({ ...one, buffer: 4096, snaplen: 65_535 }))(devices);
      return inTheMiddle(async ({ capture, sender }) => {
        signalHelper(capture.pids()[0], 'SIGSTOP');
        const frame = Buffer.alloc(60);
        frame.write(`ffffffffffff${mac.replaceAll(':', '')}88b5`, 'hex');
        await sender.send(`ear:${victim}`, Buffer.concat(Array.from({ length: 4000 }, () => frame)), 60, null);
        signalHelper(capture.pids()[0], 'SIGCONT');
      })(small);
    },
    'a capture file that was cut': file((path) => truncateSync(path, Math.floor(readFileSync(path).length * 0.6))),
    'a capture file that is empty': file((path) => truncateSync(path, 0)),
    'a record removed from the capture file': file((path) => removeBlock(path, 0.5)),
    'the last record removed from the capture file': file((path) => removeBlock(path, 0.999)),
    'no probe sent': sending((one) =>
      isProbe(one) ? { accepted: 0, error: 'ENETDOWN' } : one.really(one.socket, one.frames),
    ),
    'no probe sent, and it was said that they were': sending((one) =>
      isProbe(one) ? lie(one) : one.really(one.socket, one.frames),
    ),
    'half of the probes sent': sending(async (one) => {
      const half = Math.floor(one.frames.length / one.length / 2) * one.length;
      return isProbe(one) ? one.really(one.socket, one.frames.subarray(0, half)) : one.really(one.socket, one.frames);
    }),
    'half of the probes sent, and it was said that all were': sending(async (one) => {
      const half = Math.floor(one.frames.length / one.length / 2) * one.length;
      if (!isProbe(one)) return one.really(one.socket, one.frames);
      await one.really(one.socket, one.frames.subarray(0, half));
      return lie(one);
    }),
    'the probes sent from the wrong port': sending((one) =>
      one.really(isProbe(one) ? `send:${victim}` : one.socket, one.frames),
    ),
    'the ear controls suppressed': sending((one) =>
      one.socket === `ear:${victim}` ? { accepted: 0, error: null } : one.really(one.socket, one.frames),
    ),
    'the ear controls suppressed, and it was said that they were sent': sending((one) =>
      one.socket === `ear:${victim}` ? lie(one) : one.really(one.socket, one.frames),
    ),
    'the entry controls suppressed': sending((one) =>
      one.socket.startsWith('send:') && !isProbe(one)
        ? { accepted: 0, error: null }
        : one.really(one.socket, one.frames),
    ),
    'the entry controls suppressed, and it was said that they were sent': sending((one) =>
      one.socket.startsWith('send:') && !isProbe(one) ? lie(one) : one.really(one.socket, one.frames),
    ),
    'the interface went down': inTheMiddle(() => ip('link', 'set', 'dev', port, 'down')),
    'the interface went down and came up again': inTheMiddle(() => {
      ip('link', 'set', 'dev', port, 'down');
      ip('link', 'set', 'dev', port, 'up');
    }),
    'the guest lost its carrier': inTheMiddle(() => unplug(victimMac)),
    'the guest had no carrier': (devices) => ({
      ...devices,
      async startCapture(options) {
        const capture = await devices.startCapture(options);
        return {
          ...capture,
          open: (all) => {
            unplug(victimMac);
            return capture.open(all);
          },
        };
      },
    }),
    'the interface was renamed': inTheMiddle(() => {
      ip('link', 'set', 'dev', port, 'down');
      ip('link', 'set', 'dev', port, 'name', 'other');
      ip('link', 'set', 'dev', 'other', 'up');
    }),
    'the interface was deleted': inTheMiddle(() => ip('link', 'del', 'dev', port)),
    'the interface moved to another namespace': inTheMiddle(() => {
      execFileSync('sh', ['-c', 'unshare --net sleep 3 & sleep 0.2; ip link set dev "$0" netns $!', port]);
    }),
    'the host forwarded for a moment, or did not': inTheMiddle(() => {
      const usual = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
      for (const value of [usual === '0' ? '1' : '0', usual]) writeFileSync('/proc/sys/net/ipv4/ip_forward', value);
    }),
    'a filter was added': inTheMiddle(() => execFileSync('nft', ['add', 'table', 'bridge', 'sabotage'])),
    ...Object.fromEntries(
      Object.entries(bridgeChanges({ port, bridge, ovs })).map(([name, act]) => [name, inTheMiddle(act)]),
    ),
  };
}

/** An observer that is missing in one step leaves the whole run without its port: this needs a run of its own. */
const wholeRun = 'the capture never started';
/** From here on a sense changes the network itself, and the next step would not find it as the first did. */
const firstLasting = 'the interface went down';

/** A device above the bridge that has an ear. */
const above = 'tap-above';

/** Names of the ways in which an ear above a bridge is broken. No control is sent to such an ear: a deaf one is not seen. */
export const earSenses = ['the ear never opened', 'the helper of the ear killed', 'the file of the ear empty'];

/** A guest by macvtap is above the bridge, and the ear there is broken in one way; `unbroken` breaks nothing. */
export function earSense({ bridge }, name) {
  const ear = `${above}@${bridge}`;
  const ways = {
    [unbroken]: (devices) => devices,
    'the ear never opened': requests(ear, () => null),
    'the helper of the ear killed': inTheMiddle(({ capture }) => signalHelper(capture.pids()[0], 'SIGKILL')),
    'the file of the ear empty': file((path) => truncateSync(path, 0)),
  };
  const way = atEars(ways[name]);
  const plugIn = () => {
    ip('link', 'add', 'link', bridge, 'name', above, 'type', 'macvtap', 'mode', 'bridge');
    ip('link', 'set', 'dev', above, 'up');
  };
  return (devices) => way(beforeAll(plugIn)(devices));
}

/** Names of the senses that can be broken one after the other in one run. */
export function passingSenses(cast) {
  const names = Object.keys(sensesOf(cast));
  return names.slice(0, names.indexOf(firstLasting)).filter((name) => name !== wholeRun);
}

/** What is broken of the bridge device, to which no ear controls are sent. */
export const ofDevice = [
  'a filter that matches nothing',
  'the observer on the loopback',
  'the capture started late and said that it was there',
  'the capture stopped early',
];

/** What is broken of every shipped scenario in every test; the rest of every scenario is `npm run soak sabotage`. */
export const everywhere = [
  'a filter that matches nothing',
  'the observer on the wrong interface',
  'the ear hears what goes to the guest, and not what it sends',
  'the capture started late and said that it was there',
  'the capture stopped early',
  'the capture helper paused through the probes',
  'frames dropped in a ring too small',
  'no probe sent',
  'half of the probes sent',
  'the probes sent from the wrong port',
  'the ear controls suppressed',
  'the entry controls suppressed',
];

/** Senses that are broken while probes are sent, or by them; a gate by traffic alone has none to break. */
export const needProbes = (name) => /probe|half|sending helper|killed|aborted|ring too small/.test(name);
