import { parseFaultCode } from '../text/parse-code.js';
import { z } from 'zod';
import { VerifyError } from '../model/verify-error.js';
import type { FromHost, HostAnswers, HostAsk, ToHost } from './host-messages.js';
import { packetSocketShape, stateShape } from './state-shape.js';

const place = z.object({ device: z.string(), netns: z.string().nullable() });
const counters = z.record(
  z.string(),
  z.object({ received: z.int().min(0), dropped: z.int().min(0), delivered: z.int().min(0) }),
);
const account = z.object({
  observers: z.array(z.string()),
  ports: z.array(z.string()),
  kind: z.enum(['veth', 'tap', 'inside']),
  held: z.int().min(0),
  processors: z.int().min(1),
});
const accountWindow = z.object({
  readings: z.int().min(0),
  low: z.int(),
  high: z.int(),
  droppedFirst: z.int().min(0),
  droppedLast: z.int().min(0),
  sentAtLow: z.int().min(0),
  meetings: z.int().min(0),
  still: z.boolean(),
  rest: z.int().min(0),
});
const facts = z.object({
  engine: z.enum(['libpcap', 'cap', 'ring']),
  timestamps: z.enum(['kernel', 'user']),
  originalLength: z.boolean(),
  direction: z.enum(['known', 'inferred']),
});
const observer = z.object({
  observer: z.string(),
  device: z.string(),
  watch: z.enum(['port', 'bridge']),
  engine: z.enum(['libpcap', 'cap', 'ring']),
  macs: z.array(z.string()),
  filter: z.string(),
  snaplen: z.int().min(0),
  buffer: z.int().min(0),
  description: z.string(),
});
const linkedDevice = z.looseObject({
  space: z.string().nullable(),
  name: z.string(),
  ifindex: z.int(),
  kind: z.string(),
  mac: z.string(),
  lower: z.int().nullable(),
  master: z.int().nullable(),
  up: z.boolean(),
  mode: z.string().optional(),
  flag: z.enum(['private', 'vepa']).optional(),
  ips: z.array(z.string()).optional(),
  queue: z.int().min(0).optional(),
  spaceId: z.string().optional(),
  received: z.int().min(0).optional(),
  xdpId: z.int().optional(),
});
const id = z.int().min(0);
const netns = z.string().nullable();

const questions = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('clock') }),
  z.object({ ask: z.literal('read'), netns, sysctl: z.array(z.string()), ovs: z.boolean() }),
  z.object({ ask: z.literal('drops'), netns }),
  z.object({ ask: z.literal('watch'), netns, routed: z.boolean() }),
  z.object({ ask: z.literal('heard') }),
  z.object({ ask: z.literal('around'), netns }),
  z.object({
    ask: z.literal('open'),
    runId: z.string().regex(/^[0-9a-f]{8,64}$/),
    netns,
    bridges: z.array(z.string()),
    ports: z.array(z.string()),
    inside: z.array(z.object({ name: z.string(), port: z.string(), netns: z.string() })),
  }),
  z.object({
    ask: z.literal('capture'),
    capture: z.string(),
    netns,
    runTag: z.int().min(0).nullable(),
    only: z.enum(['run', 'all']),
    most: z.int().min(0).nullable(),
  }),
  z.object({ ask: z.literal('observe'), capture: z.string(), observers: z.array(observer) }),
  z.object({ ask: z.literal('seal'), capture: z.string() }),
  z.object({
    ask: z.literal('count'),
    capture: z.string(),
    netns,
    ports: z.array(z.object({ observer: z.string(), bridge: z.string(), port: z.string(), device: z.string() })),
    pooled: z.boolean(),
  }),
  z.object({ ask: z.literal('mark'), capture: z.string(), mark: z.string(), accounts: z.boolean() }),
  z.object({ ask: z.literal('stop'), capture: z.string() }),
  z.object({ ask: z.literal('fetch'), capture: z.string(), offset: z.int().min(0) }),
  z.object({ ask: z.literal('sender'), sender: z.string(), places: z.record(z.string(), place) }),
  z.object({
    ask: z.literal('send'),
    sender: z.string(),
    routes: z.array(z.object({ socket: z.string(), count: z.int().min(0), size: z.int().min(0).exactOptional() })),
    length: z.int().min(1),
    frames: z.string(),
    perSecond: z.number().positive().nullable(),
  }),
  z.object({ ask: z.literal('end-sender'), sender: z.string() }),
  z.object({ ask: z.literal('close') }),
]);

/** Schemas of answers, by question. */
const answers: { readonly [A in HostAsk]: z.ZodType } = {
  clock: z.object({ ns: z.string().regex(/^\d{1,20}$/) }),
  read: z.object({ state: stateShape, neighbours: z.array(z.object({ mac: z.string(), address: z.string() })) }),
  drops: z.object({ drops: z.record(z.string(), z.int().min(0)) }),
  watch: z.object({ watching: z.literal(true) }),
  heard: z.object({
    rules: z.array(z.object({ kind: z.enum(['nft', 'tc']), pid: z.int().nullable(), program: z.string().nullable() })),
    settings: z.array(
      z.object({
        ifindex: z.int().nullable(),
        what: z.string(),
        name: z.string().optional(),
        masters: z.array(z.int()).optional(),
      }),
    ),
    sockets: z.array(packetSocketShape),
    unheard: z.array(z.string()),
  }),
  around: z.object({ devices: z.array(linkedDevice), unread: z.array(z.string()).optional() }),
  open: z.object({ ways: z.record(z.string(), place), inside: z.record(z.string(), place) }),
  capture: z.object({ pids: z.array(z.number()) }),
  observe: z.object({ listening: z.array(z.object({ observer: z.string(), facts, version: z.string() })) }),
  seal: z.object({ uid: z.int(), capabilities: z.string(), filtered: z.boolean() }),
  count: z.object({ accounts: z.record(z.string(), account) }),
  mark: z.object({ counters, accounts: z.record(z.string(), accountWindow) }),
  stop: z.object({
    counters,
    written: z.record(z.string(), z.int().min(0)),
    kept: z.array(z.object({ observer: z.string(), towards: z.boolean(), frame: z.string() })),
  }),
  fetch: z.object({ bytes: z.string() }),
  sender: z.object({ pid: z.int() }),
  send: z.object({ accepted: z.int().min(0), error: z.string().nullable() }),
  'end-sender': z.object({ ended: z.literal(true) }),
  close: z.object({ left: z.array(z.string()) }),
};

const fromHost = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), version: z.string(), pid: z.int(), uid: z.int() }),
  z.object({ type: z.literal('beat') }),
  z.object({ type: z.literal('answer'), id, value: z.unknown() }),
  z.object({
    type: z.literal('refused'),
    id,
    code: z.string().transform(parseFaultCode),
    exit: z.int(),
    message: z.string(),
    hint: z.string(),
  }),
  z.object({ type: z.literal('counts'), capture: z.string(), taken: z.int().min(0) }),
  z.object({
    type: z.literal('fault'),
    capture: z.string(),
    code: z.string().transform(parseFaultCode),
    observers: z.array(z.string()),
    text: z.string(),
  }),
]);

function wrong(what: string): VerifyError {
  return new VerifyError(
    'protocol',
    70,
    `between hosts: ${what}`,
    'both sides must be of the same version; a shell that prints something at login spoils the channel',
  );
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw wrong(`a line that is not JSON: ${JSON.stringify(line.slice(0, 120))}`);
  }
}

/** At most this many characters of why something is wrong: another host may have written all of it. */
const maxFaultText = 300;

function faultText(error: z.ZodError): string {
  return z.prettifyError(error).replaceAll('\n', ' ').slice(0, maxFaultText);
}

function read<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value, { jitless: true });
  if (!parsed.success) throw wrong(`${what}: ${faultText(parsed.error)}`);
  return parsed.data;
}

/** One line from the orchestrator. Throws VerifyError (70) on anything else. */
export function parseToHost(line: string): ToHost {
  const value = json(line);
  if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'beat') return { type: 'beat' };
  const { id: number } = read(z.object({ type: z.literal('question'), id }), value, 'a question');
  return { type: 'question', id: number, ...read(questions, value, 'a question') };
}

/** One line from a far side. Throws VerifyError (70) on anything else. */
export function parseFromHost(line: string): FromHost {
  return read(fromHost, json(line), 'a message');
}

/** The answer to a question of that kind; a text that says why it is none. */
export function parseAnswer<A extends HostAsk>(ask: A, value: unknown): HostAnswers[A] | string {
  const parsed = answers[ask].safeParse(value, { jitless: true });
  return parsed.success ? (parsed.data as HostAnswers[A]) : faultText(parsed.error);
}
