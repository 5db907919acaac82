import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { top } from '../lab/throw-away.js';
import { parseResult } from '../parse-result.js';
import type { Cage } from './cage.js';

/** A guest's interface as the host sees it. */
export interface FoundGuest {
  readonly bridge: string;
  readonly port: string;
  readonly mac: string;
  readonly ip: string;
}

const inside = z.array(
  z.object({
    address: z.string(),
    link_index: z.number(),
    addr_info: z.array(z.object({ family: z.string(), local: z.string(), prefixlen: z.number() })),
  }),
);
const outside = z.array(z.object({ ifindex: z.number(), ifname: z.string(), master: z.string().optional() }));

/** The interface eth0 of the process `pid` of a cage, found by the kernel's own numbers, whatever a manager says. */
export function guestOf(cage: Cage, pid: string): FoundGuest {
  const [eth0] = inside.parse(JSON.parse(cage.run(`nsenter --target ${pid} --net ip -j address show dev eth0`)));
  const links = outside.parse(JSON.parse(cage.run('ip -j link show')));
  const port = links.find(({ ifindex }) => ifindex === eth0?.link_index);
  const address = eth0?.addr_info.find(({ family }) => family === 'inet');
  if (eth0 === undefined || port?.master === undefined || address === undefined)
    throw new Error(`no port leads to process ${pid}`);
  return {
    bridge: port.master,
    port: port.ifname,
    mac: eth0.address,
    ip: `${address.local}/${address.prefixlen}`,
  };
}

/** What stands for the LAN in a cage: lan0, a bridge with one station on it that has 192.168.0.200. */
export function makeLan(cage: Cage): FoundGuest {
  const mac = '00:11:22:33:44:55';
  cage.run(`ip link add lan0 type bridge forward_delay 0; ip address add 192.168.0.1/24 dev lan0; ip link set lan0 up
ip netns add lan; ip link add eth9 type veth peer name eth0 address ${mac} netns lan; ip link set eth9 master lan0 up
ip -n lan address add 192.168.0.200/24 dev eth0; ip -n lan link set eth0 up; ip -n lan route add default via 192.168.0.1
ip netns exec lan ping -c 1 -w 5 192.168.0.1`);
  return { bridge: 'lan0', port: 'eth9', mac, ip: '192.168.0.200/24' };
}

const step = z.looseObject({ name: z.string(), expect: z.unknown() });
const shipped = z.looseObject({
  name: z.string(),
  topology: z.looseObject({ endpoints: z.record(z.string(), z.looseObject({ role: z.string().optional() })) }),
  steps: z.array(step),
});

/** Rules, settings and events that make a lab like the host; a host has them from its manager. */
const ofTheLab = ['run', 'set', 'during'];

/**
 * A shipped scenario with the guests that a manager runs in the place of the lab's, as JSON, which is YAML. `steps`:
 * those that the names fit. A host run does not take `verdict: broken`: what was expected to leak is told by
 * `expected`.
 */
export function onHost(
  name: string,
  guests: Readonly<Record<string, FoundGuest>>,
  steps = /./,
): { readonly text: string; readonly expected: readonly (readonly [string, string])[] } {
  const read = shipped.parse(parse(readFileSync(join(top, 'scenarios/managers', `${name}.yml`), 'utf8')));
  const chosen = read.steps.filter((each) => steps.test(each.name));
  const endpoints = Object.entries(guests).map(([guest, { bridge, port, mac, ip }]) => {
    const { role } = read.topology.endpoints[guest] ?? {};
    return [guest, { bridge, port, mac, ip, ...(role === undefined ? {} : { role }) }];
  });
  const bridges = [...new Set(Object.values(guests).map(({ bridge }) => bridge))].map((bridge) => [bridge, {}]);
  const scenario = {
    version: 1,
    name: read.name,
    topology: { provider: 'host', bridges: Object.fromEntries(bridges), endpoints: Object.fromEntries(endpoints) },
    steps: chosen.map((each) => ({
      ...Object.fromEntries(Object.entries(each).filter(([key]) => !ofTheLab.includes(key))),
      expect: asOnHost(each.expect),
    })),
  };
  return {
    text: JSON.stringify(scenario),
    expected: chosen.map((each) => [each.name, isLeak(each.expect) ? 'broken' : 'holds']),
  };
}

function isLeak(expect: unknown): boolean {
  return expect === 'leak' || z.object({ verdict: z.literal('broken') }).safeParse(expect).success;
}

function asOnHost(expect: unknown): unknown {
  if (expect === 'leak') return 'holds';
  const detailed = z.record(z.string(), z.unknown()).safeParse(expect);
  if (!detailed.success) return expect;
  return Object.fromEntries(Object.entries(detailed.data).filter(([key]) => key !== 'verdict'));
}

/** Steps of a run on a host: what each came to, and who received what it may not have. */
export type Answer = readonly (readonly [step: string, verdict: string | null])[];

/** Runs a shipped scenario on the guests of a cage, and gives what its steps came to beside what they come to in the lab. */
export async function answerOf(
  cage: Cage,
  name: string,
  guests: Readonly<Record<string, FoundGuest>>,
  steps = /./,
): Promise<{
  readonly answer: Answer;
  readonly expected: Answer;
  readonly result: ReturnType<typeof parseResult>;
  readonly stderr: string;
}> {
  const { text, expected } = onHost(name, guests, steps);
  const dir = mkdtempSync(join(tmpdir(), 'managers-'));
  try {
    const file = join(dir, 'scenario.yml');
    writeFileSync(file, text);
    const { stdout, stderr } = await cage.cli([
      ...['run', file, '--yes', '--allow-new-macs', '--json', '--quiet', '--out', join(dir, 'evidence')],
    ]);
    if (stdout === '') throw new Error(stderr);
    const result = parseResult(stdout);
    return { answer: result.steps.map((each) => [each.name, each.verdict]), expected, result, stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
