import { describe, expect, it } from 'vitest';
import type { BpfInstruction } from '../../../../src/system/kernel/bpf.js';
import { allowListOf, type SealedRole } from '../../../../src/system/kernel/seccomp.js';
import { answers, seccompProgram } from '../../../../src/system/kernel/seccomp-program.js';
import { type Machine, machineNamed, type SystemCall } from '../../../../src/system/kernel/system-calls.js';

/** What the kernel does with such a program (Documentation/networking/filter.rst). */
function run(program: readonly BpfInstruction[], words: ReadonlyMap<number, number>): number {
  let loaded = 0;
  for (let at = 0; at < program.length; at += 1) {
    const [code, whenTrue, whenFalse, k] = program[at] ?? [0, 0, 0, 0];
    switch (code) {
      case 0x20:
        loaded = words.get(k) ?? 0;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += loaded === k ? whenTrue : whenFalse;
        break;
      case 0x45:
        at += (loaded & k) !== 0 ? whenTrue : whenFalse;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`instruction ${code} at ${at}`);
    }
  }
  throw new Error('the program has no end');
}

const machineOf = (name: string): Machine => {
  const found = machineNamed(name);
  if (found === null) throw new Error(name);
  return found;
};
const [pid, heard] = [77, [5, 9]] as const;
const said = new Map<number, string>(Object.entries(answers).map(([name, answer]) => [answer, name]));

describe.each(['x64', 'arm64'])('the filter of a sealed helper on %s', (name) => {
  const machine = machineOf(name);
  const ask = (role: SealedRole, call: SystemCall | number, ...parameters: readonly number[]) => {
    const program = seccompProgram(machine, allowListOf(role, pid, role === 'capture' ? heard : []));
    const number = typeof call === 'number' ? call : (machine.numberOf(call) ?? -1);
    const words = new Map([
      [0, number],
      [4, machine.audit],
      ...parameters.map((value, at) => [16 + 8 * at, value] as const),
    ]);
    return said.get(run(program, words));
  };

  it.each([
    ['read', [0], 'allow'],
    ['write', [1], 'allow'],
    ['write', [5], 'notPermitted'],
    ['writev', [9], 'notPermitted'],
    ['writev', [6], 'allow'],
    ['pwrite64', [6], 'allow'],
    ['sendto', [5], 'notPermitted'],
    ['sendmsg', [5], 'notPermitted'],
    ['sendmmsg', [5], 'notPermitted'],
    ['tgkill', [pid, pid], 'allow'],
    ['tgkill', [1, 1], 'notPermitted'],
    ['ioctl', [3, 0x8933], 'allow'],
    ['ioctl', [3, 0x8914], 'notPermitted'], // SIOCSIFFLAGS
    ['fcntl', [3, 3], 'allow'],
    ['fcntl', [3, 0], 'notPermitted'], // F_DUPFD
    ['fcntl', [3, 1030], 'notPermitted'], // F_DUPFD_CLOEXEC
    ['setsockopt', [5, 1, 26], 'allow'],
    ['setsockopt', [5, 263, 23], 'allow'],
    ['setsockopt', [5, 263, 26], 'notPermitted'],
    ['setsockopt', [5, 263, 13], 'notPermitted'], // PACKET_TX_RING
    ['setsockopt', [5, 1, 50], 'allow'], // SO_ATTACH_BPF, of programs that it was handed
    ['setsockopt', [5, 1, 44], 'notPermitted'], // SO_LOCK_FILTER
    ['setsockopt', [5, 0, 26], 'notPermitted'],
    ['prctl', [15], 'allow'],
    ['prctl', [4], 'notPermitted'],
    ['clone', [0x003d_0f00], 'allow'], // pthread_create of the C library
    ['clone', [17], 'notPermitted'], // fork
    ['clone', [0x4001_0000], 'notPermitted'], // a network namespace
    ['clone', [0x0001_0080], 'notPermitted'], // a time namespace
    ['clone3', [], 'notThere'],
    ['seccomp', [], 'notPermitted'],
  ] as const)('answers %s %j of one that captures with %s', (call, parameters, answer) => {
    expect(ask('capture', call, ...parameters)).toBe(answer);
  });

  it('lets one that sends send, and a relay, each in its own way', () => {
    expect([ask('send', 'sendmmsg', 5), ask('send', 'sendto', 5), ask('send', 'ftruncate', 5)]).toEqual([
      'allow',
      'notPermitted',
      'notPermitted',
    ]);
    expect([ask('relay', 'sendto', 5), ask('relay', 'sendmmsg', 5)]).toEqual(['allow', 'notPermitted']);
  });

  it('lets who judges come to files by their names, and who parses to none; neither sends', () => {
    const files = ['newfstatat', 'unlinkat', 'pwrite64', 'renameat2'] as const;
    expect(files.map((call) => ask('judge', call))).toEqual(['allow', 'allow', 'allow', 'allow']);
    expect([ask('judge', 'openat'), ask('parse', 'openat')]).toEqual(['allow', 'notPermitted']);
    expect(files.map((call) => ask('parse', call))).toEqual(Array(4).fill('notPermitted'));
    for (const role of ['judge', 'parse'] as const)
      expect([ask(role, 'read', 0), ask(role, 'write', 5), ask(role, 'sendmmsg', 5), ask(role, 'sendto', 5)]).toEqual([
        'allow',
        'allow',
        'notPermitted',
        'notPermitted',
      ]);
    expect(files.map((call) => ask('capture', call))).toEqual([
      'notPermitted',
      'notPermitted',
      'allow',
      'notPermitted',
    ]);
  });

  it('asks for several bits, for several values and for none, one condition after the other and one way after the other', () => {
    const program = seccompProgram(machine, {
      always: ['read'],
      where: [
        [
          'clone',
          [
            [
              { argument: 0, bits: 0b0110, without: 0b1000 },
              { argument: 1, noneOf: [3, 4, 5] },
            ],
            [
              { argument: 1, oneOf: [4, 5, 6] },
              { argument: 2, noneOf: [] },
            ],
          ],
        ],
        ['ioctl', []],
      ],
      notThere: [],
    });
    const answer = (call: SystemCall, first: number, second: number) =>
      said.get(
        run(
          program,
          new Map([
            [0, machine.numberOf(call) ?? -1],
            [4, machine.audit],
            [16, first],
            [24, second],
          ]),
        ),
      );
    const allowed = (first: number): readonly number[] =>
      Array.from({ length: 8 }, (_, second) => second).filter((second) => answer('clone', first, second) === 'allow');
    const bySecondWay = [4, 5, 6];
    const byFirstWay = [0, 1, 2, 6, 7];
    for (const bits of [0b0110, 0b0111, 0b1_0110])
      expect([bits, allowed(bits)]).toEqual([bits, [...new Set([...byFirstWay, ...bySecondWay])].sort()]);
    for (const bits of [0, 0b0100, 0b0010, 0b1110, 0b1000]) expect([bits, allowed(bits)]).toEqual([bits, bySecondWay]);
    expect([answer('ioctl', 0b0110, 4), answer('read', 0, 0)]).toEqual(['notPermitted', 'allow']);
  });

  it('refuses every number that is on no list, those of x32 and those that are yet to come', () => {
    const listed = new Set<number>();
    for (let number = 0; number < 1024; number += 1) {
      if (ask('capture', number) !== 'notPermitted') listed.add(number);
      expect(ask('capture', number + 0x4000_0000)).toBe('notPermitted');
    }
    const path = {
      x64: [2, 257, 41, 42, 59, 62, 101, 165, 272, 308, 317, 321],
      arm64: [56, 198, 203, 221, 129, 117, 40, 97, 268, 277, 280],
    };
    // open, openat, socket, connect, execve, kill, ptrace, mount, unshare, setns, seccomp, bpf; then io_uring, pidfd, clone3's like, openat2
    for (const number of [...(name === 'x64' ? path.x64 : path.arm64), 424, 425, 426, 427, 434, 437, 438, 440])
      expect([...listed]).not.toContain(number);
  });

  it('kills a process that calls by the numbers of another machine', () => {
    const program = seccompProgram(machine, allowListOf('capture', pid, heard));
    expect(
      said.get(
        run(
          program,
          new Map([
            [0, 0],
            [4, 0x4000_0003],
          ]),
        ),
      ),
    ).toBe('wrongMachine');
  });

  it('says nothing of calls that the machine does not have, which would be taken for number 0', () => {
    for (const role of ['judge', 'capture'] as const) {
      const program = seccompProgram(machine, allowListOf(role, pid, heard));
      expect(program.flat().filter((part) => !Number.isInteger(part))).toEqual([]);
    }
  });

  it('holds with as many sockets as a helper may have, in no more instructions than the kernel takes', () => {
    const sockets = Array.from({ length: 600 }, (_, at) => at + 20);
    const program = seccompProgram(machine, allowListOf('capture', pid, sockets));
    expect(program.length).toBeLessThan(4096);
    expect(program.every(([, whenTrue, whenFalse]) => whenTrue < 256 && whenFalse < 256)).toBe(true);
    const write = machine.numberOf('write') ?? -1;
    const answer = (fd: number) =>
      said.get(
        run(
          program,
          new Map([
            [0, write],
            [4, machine.audit],
            [16, fd],
          ]),
        ),
      );
    expect([answer(19), answer(20), answer(619), answer(620)]).toEqual([
      'allow',
      'notPermitted',
      'notPermitted',
      'allow',
    ]);
  });
});

it('knows no other machine', () => {
  expect(machineNamed('riscv64')).toBeNull();
});
