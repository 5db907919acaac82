import type { Assembler } from '../../../core/wire/search-program.js';
import type { ProcessLayout } from './btf.js';

/** Inode of this program's PID namespace. `first` = the initial one, null = unknown. */
export type OwnProcesses = number | 'first' | null;

const helpers = { currentTask: 35, processOfMachine: 14, readKernel: 113 } as const;
const [result, first, second, third, stack] = [0, 1, 2, 3, 10] as const;
const pointer = 8;
/** The kernel nests up to 32 PID namespaces (MAX_PID_NS_LEVEL). */
const maxLevels = 8;

interface ReaderPlaces {
  readonly pids: OwnProcesses;
  readonly to: number;
  readonly scratch: number;
}

/** 0 if unreadable. */
function putRead(program: Assembler, to: number, bytes: number, distance: number): void {
  program
    .onStack(first, to)
    .put('set', { to: second, value: bytes })
    .put('move', { to: third, from: pointer })
    .put('increase', { to: third, value: distance })
    .put('call', { value: helpers.readKernel });
}

/**
 * The process at work, by its number in our PID namespace. It has one if it lives there or in one below, as a
 * container's does. Without one the answer stays 0, which no process has. bpf_get_ns_current_pid_tgid (Linux 5.7) knows
 * those alone that live in that very namespace.
 */
export function putReader(program: Assembler, layout: ProcessLayout | null, { pids, to, scratch }: ReaderPlaces): void {
  if (pids === 'first')
    program
      .put('call', { value: helpers.processOfMachine })
      .put('shiftRight', { to: result, value: 32 })
      .put('storeWord', { to: stack, from: result, offset: to });
  if (pids === null || pids === 'first' || layout === null) return;
  const { leader, pid, level, numbers, each, namespace, inode } = layout;
  const [process, found] = [scratch + 8, scratch];
  const follow = (distance: number): void => {
    putRead(program, found, 8, distance);
    program.put('loadLong', { to: pointer, from: stack, offset: found });
  };
  program.put('call', { value: helpers.currentTask }).put('move', { to: pointer, from: result });
  follow(leader);
  follow(pid);
  program.put('storeLong', { to: stack, from: pointer, offset: process });
  for (let depth = 1; depth <= maxLevels; depth += 1) {
    const at = numbers + depth * each;
    program.put('loadLong', { to: pointer, from: stack, offset: process });
    putRead(program, found, 4, level);
    program
      .put('loadWord', { to: first, from: stack, offset: found })
      .put('ifLess', { to: first, value: depth, offset: 'reader' });
    follow(at + namespace);
    putRead(program, found, 4, inode);
    program
      .put('loadWord', { to: first, from: stack, offset: found })
      .put('setWord', { to: second, value: pids | 0 })
      .put('ifNotEqualRegister', { to: first, from: second, offset: `not ${depth}` })
      .put('loadLong', { to: pointer, from: stack, offset: process });
    putRead(program, to, 4, at);
    program.put('jump', { offset: 'reader' }).label(`not ${depth}`);
  }
  program.label('reader');
}
