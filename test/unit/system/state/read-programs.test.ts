import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LoadedProgram } from '../../../../src/system/kernel/bpf-programs.js';

const kernel = vi.hoisted(() => ({
  loadedProgram: vi.fn<(id: number) => LoadedProgram | { readonly unknown: string } | null>(),
  programIds: vi.fn<() => readonly number[]>(),
  names: new Map<number, readonly string[]>(),
  named: vi.fn(),
}));
vi.mock('../../../../src/system/kernel/bpf-programs.js', async (original) => ({
  ...(await original<object>()),
  loadedProgram: kernel.loadedProgram,
  programIds: kernel.programIds,
  programsAt: (_ifindex: number, place: string) => (place === 'tcx ingress' ? [7] : []),
  calledFunctions: (...calls: readonly unknown[]) => (kernel.named(...calls), kernel.names),
}));
vi.mock('../../../../src/system/kernel/proc-files.js', async (original) => ({
  ...(await original<object>()),
  procLink: (path: string) => (path === '/proc/self/ns/pid' ? 'pid:[4026531836]' : ''),
}));

// Other files of this process have loaded the real ones
vi.resetModules();
const { readPrograms, readStrayPrograms } = await import('../../../../src/system/state/read-programs.js');

const exit = [0x95, 0, 0, 0, 0, 0, 0, 0];
const call = (number: number): readonly number[] => [0x85, 0, 0, 0, number, 0, 0, 0];
const program = (type: number, ...parts: readonly (readonly number[])[]): LoadedProgram => ({
  type,
  name: 'p',
  tag: '00',
  code: Uint8Array.from([...parts, exit].flat()),
});
const [socketFilter, tracing, lsm] = [1, 26, 29] as const;
let next = 1000;
/** What is said of one program, which the process has not looked at before. */
async function lookAt(answer: ReturnType<typeof kernel.loadedProgram>) {
  next += 1;
  kernel.programIds.mockReturnValue([next]);
  kernel.loadedProgram.mockReturnValue(answer);
  const { handlers, unread } = await readStrayPrograms(null, new Set());
  return { handlers: handlers.map((handler) => handler.function.replace(String(next), 'N')), unread };
}

beforeEach(() => {
  vi.clearAllMocks();
  kernel.names.clear();
  kernel.names.set(1, ['array_map_lookup_elem']).set(4, ['bpf_skb_event_output']);
});

describe('a program at no place that is shown', () => {
  it.each([tracing, lsm])('of type %i counts where it outputs packets', async (type) => {
    expect(await lookAt(program(type, call(4)))).toEqual({ handlers: ['BPF program N (tracing)'] });
    expect(await lookAt(program(type, call(1)))).toEqual({ handlers: [] });
  });

  it('that calls what has no name is not known where it sees packets by asking, and counts where it gets them', async () => {
    expect(await lookAt(program(lsm, call(0)))).toEqual({
      handlers: [],
      unread: expect.stringMatching(
        /^BPF program \d+ \(tracing\) calls functions that are not known: without CAP_SYSLOG/,
      ),
    });
    expect(await lookAt(program(socketFilter, call(0)))).toEqual({ handlers: ['BPF program N (socket_filter)'] });
  });

  it('is gone only where the kernel says so', async () => {
    expect(await lookAt(null)).toEqual({ handlers: [] });
    expect(await lookAt({ unknown: 'EMFILE' })).toEqual({
      handlers: [],
      unread: expect.stringMatching(/^the kernel does not show BPF program \d+: EMFILE$/),
    });
  });
});

it('functions are named only where they decide: /proc/kallsyms has five megabytes', async () => {
  const device = 15; // BPF_PROG_TYPE_CGROUP_DEVICE, which gets no packets
  expect(await lookAt(program(device, call(4)))).toEqual({ handlers: [] });
  expect(kernel.named).not.toHaveBeenCalled();
  await lookAt(program(socketFilter, call(4), call(1)));
  expect(kernel.named).toHaveBeenCalledWith([4, 4, 1]);
});

it('a program at a device is looked at once', () => {
  kernel.loadedProgram.mockReturnValueOnce({ unknown: 'EMFILE' }).mockReturnValue(program(3, call(1)));
  const read = () => readPrograms(null, [{ name: 'v0', ifindex: 3, kind: 'veth' }]).programs;
  expect(read()).toEqual([{ device: 'v0', place: 'tcx ingress', id: 7 }]);
  const known = [{ device: 'v0', place: 'tcx ingress', id: 7, name: 'p', tag: '00', keepsNothing: true }];
  expect([read(), read(), read()]).toEqual([known, known, known]);
  expect(kernel.loadedProgram).toHaveBeenCalledTimes(2);
});
