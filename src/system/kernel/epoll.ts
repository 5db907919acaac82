import { VerifyError } from '../../core/model/verify-error.js';
import { koffi, libc } from './libc.js';

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const EPOLL_CLOEXEC = 0o2000000;

/** Readiness of many descriptors in one call (epoll(7)). */
export interface Epoll {
  /** `key`, 0 to 2^32−1, identifies the descriptor in `ready`. */
  add(fd: number, key: number): void;
  remove(fd: number): void;
  /** Keys of readable or failed descriptors, at most 64. Never waits. */
  ready(): readonly number[];
  /** Replaces the listener, called from the event loop while `ready` is not empty. */
  whenReady(listener: (() => void) | null): void;
}

const maxEvents = 64;

/** Throws VerifyError (69) if the kernel refuses. */
export function createEpoll(): Epoll {
  const library = koffi().load(null);
  const create: (flags: number) => number = library.func('int epoll_create1(int)');
  const control: (epoll: number, operation: number, fd: number, event: Uint8Array) => number = library.func(
    'int epoll_ctl(int, int, int, void *)',
  );
  const wait: (epoll: number, events: Uint8Array, most: number, timeoutMs: number) => number = library.func(
    'int epoll_wait(int, void *, int, int)',
  );
  // struct epoll_event is packed on x86-64 only (linux/eventpoll.h)
  const [size, dataAt] = process.arch === 'x64' ? [12, 4] : [16, 8];
  const fd = create(EPOLL_CLOEXEC);
  if (fd < 0)
    throw new VerifyError(
      'open-failed',
      69,
      `epoll_create1: ${libc().errnoName(libc().errno())}`,
      'raise the limit of open files (ulimit -n)',
    );
  const events = new Uint8Array(maxEvents * size);
  const words = new Uint32Array(events.buffer);
  let watch: ReturnType<ReturnType<typeof koffi>['node']['poll']> | null = null;
  let called: (() => void) | null = null;
  return {
    add(target, key) {
      const event = new Uint8Array(new ArrayBuffer(size));
      const fields = new Uint32Array(event.buffer);
      fields[0] = EPOLLIN;
      fields[dataAt / 4] = key;
      if (control(fd, EPOLL_CTL_ADD, target, event) < 0) {
        throw new VerifyError(
          'open-failed',
          69,
          `epoll_ctl: ${libc().errnoName(libc().errno())}`,
          'report this as a fault of verify-isolation',
        );
      }
    },
    remove: (target) => void control(fd, EPOLL_CTL_DEL, target, new Uint8Array(size)),
    ready() {
      const count = wait(fd, events, maxEvents, 0);
      const keys: number[] = [];
      for (let at = 0; at < count; at += 1) keys.push(words[(at * size + dataAt) / 4] ?? 0);
      return keys;
    },
    whenReady(listener) {
      if (listener === called) return;
      called = listener;
      if (listener === null) watch?.stop();
      else if (watch === null) watch = koffi().node.poll(fd, listener);
      else watch.start(listener);
    },
  };
}
