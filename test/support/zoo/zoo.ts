import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hrtime } from 'node:process';
import { startCage } from '../managers/cage.js';

const support = import.meta.dirname;
const folder = join(support, '../../system/zoo/hosts');

/** A host as real software sets it up, with what may be wrong on it. */
export interface ZooHost {
  readonly name: string;
  /** Its script. */
  readonly file: string;
  /** One sentence. */
  readonly what: string;
  /** Names of faults that can be planted. */
  readonly faults: readonly string[];
  /** Programs that this machine may not have, by the words of the host's file. */
  readonly takes: readonly string[];
  /** Guests ping while the run goes on. */
  readonly speaks: boolean;
}

/** What a run came to on a host of the zoo. */
export interface ZooOutcome {
  readonly status: number | null;
  /** The word that stands first in the answer. */
  readonly verdict: string;
  readonly stdout: string;
  /** stdout and stderr, for the message of a test that fails. */
  readonly text: string;
  /** From Enter to the last line. */
  readonly seconds: number;
  /** Pings that guests sent during the run, and those of them that no answer came to. */
  readonly pings: { readonly sent: number; readonly lost: number };
  /** Lines by which the host's state afterwards differs from that before. */
  readonly changed: readonly string[];
  /** What has to be named where the fault is told; null = sane. */
  readonly cause: RegExp | null;
}

/** Every host, by its file. */
export function zooHosts(): readonly ZooHost[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.sh'))
    .map((path) => {
      const file = join(folder, path);
      const text = readFileSync(file, 'utf8');
      return {
        name: basename(path, '.sh'),
        file,
        what: /^# (.*)$/m.exec(text)?.[1] ?? '',
        faults: [...text.matchAll(/^fault_(\w+)\(\)/gm)].map(([, fault = '']) => fault),
        takes: /^# takes: (.*)$/m.exec(text)?.[1]?.split(' ') ?? [],
        speaks: !/^# pings: none$/m.test(text),
      };
    });
}

/** Variables of a host's file. */
export type Names = Readonly<Record<string, string>>;

const letters = 'bcdfghjklmnpqrstvwxz';

/** Names and numbers that no run has seen before: nothing in `src` can know them. `draw(n)` gives one of 0 … n - 1. */
export function drawNames(draw: (below: number) => number): Names {
  const word = (length: number): string => Array.from({ length }, () => letters.charAt(draw(letters.length))).join('');
  const byte = (): string => draw(256).toString(16).padStart(2, '0');
  return {
    nic: `en${['p', 's', 'o', 'x'][draw(4)] ?? 'p'}${1 + draw(9)}${word(1)}${draw(10)}`,
    bridge: `br-${word(4)}`,
    guest: word(5),
    number: String(10 + draw(80)),
    net: `10.${1 + draw(9) * 10}.${draw(100)}`,
    drawn: `${byte()}:${byte()}`,
    drawn_name: word(6),
  };
}

/** Compiles the programs that stand for machines and for VMware's bridge, once a folder; gives where they lie. */
export function compileZoo(scratch: string): string {
  const into = join(scratch, 'programs');
  if (existsSync(into)) return into;
  mkdirSync(into);
  const programs = { guest: ['qemu-system-x86_64', 'firecracker'], relay: ['vmnet-bridge'] };
  for (const [source, names] of Object.entries(programs))
    for (const name of names) execFileSync('gcc', ['-O2', '-o', join(into, name), join(support, `${source}.c`)]);
  return into;
}

const lines = (text: string): readonly string[] => text.split('\n');

/**
 * Builds the host, plants the fault, runs `run` without a file, and looks what it came to. Throws Error where the host
 * cannot be built. `packages`: a folder of programs that are laid over /usr; null = none; `programs`: what `compileZoo`
 * gave.
 */
export async function runOnZooHost(
  { file }: Pick<ZooHost, 'file'>,
  fault: string | null,
  names: Names,
  { packages, programs }: { readonly packages: string | null; readonly programs: string },
): Promise<ZooOutcome> {
  const env = { ...names, zoo: '/run/zoo', fault: fault ?? '' };
  const cage = await startCage(packages, /^(docker|libpod|lxc\.|machine)/, env);
  const inside = (script: string): string => cage.run(`. ${support}/parts.sh; . ${file}\n${script}`);
  try {
    cage.run(`mkdir -p $zoo; cp ${programs}/* $zoo/`);
    inside("trap 'tail -n 20 $zoo/log >&2' EXIT; build >>$zoo/log 2>&1; trap - EXIT");
    if (fault !== null) inside(`fault_${fault}`);
    const cause = fault === null ? null : new RegExp(inside(`printf %s "$cause_${fault}"`));
    inside('sleep 2; start_pings');
    const before = lines(inside('state'));
    const began = hrtime.bigint();
    const { status, stdout, stderr } = await cage.cli(['run', '--yes', '--out', '/run/evidence']);
    const seconds = Number(hrtime.bigint() - began) / 1e9;
    const [sent = 0, lost = 0] = inside('lost_pings').trim().split(' ').map(Number);
    const after = lines(inside('state'));
    return {
      status,
      verdict: /^(HOLDS|BROKEN|EXPOSED|INCONCLUSIVE|REFUSED)\b/m.exec(stdout)?.[1] ?? '',
      stdout,
      text: `${stdout}\n${stderr}`,
      seconds,
      pings: { sent, lost },
      changed: [
        ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
        ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
      ],
      cause,
    };
  } finally {
    await cage.end();
  }
}
