import { parseFaultCode } from '../text/parse-code.js';
import type { AccountWindow, Counters } from '../model/timeline.js';
import { type MessageFields, parseFields } from './fields.js';
import type {
  FromCapture,
  FromHelper,
  FromRelay,
  FromSend,
  HelperFault,
  HelperRole,
  Ready,
  ToCapture,
  ToHelper,
  ToRelay,
  ToSend,
} from './messages.js';

/**
 * One line to a helper of that role, as the message it is; members that are not known are left out.
 * Throws VerifyError (70) on anything else: the helper says so and ends.
 */
export const parseToHelper: { readonly [R in HelperRole]: (line: string) => ToHelper[R] } = {
  capture: (line) => toCapture(parseFields(line)),
  send: (line) => toSend(parseFields(line)),
  relay: (line) => toRelay(parseFields(line)),
};

/** One line from a helper of that role. Throws VerifyError (70) on anything else. */
export const parseFromHelper: { readonly [R in HelperRole]: (line: string) => FromHelper[R] } = {
  capture: (line) => fromCapture(parseFields(line)),
  send: (line) => fromSend(parseFields(line)),
  relay: (line) => fromRelay(parseFields(line)),
};

function toCapture(f: MessageFields): ToCapture {
  switch (f.type) {
    case 'file':
      return {
        type: 'file',
        path: f.text('path'),
        runTag: f.countOrNull('runTag'),
        only: f.oneOf('only', ['run', 'all']),
        most: f.countOrNull('most'),
      };
    case 'open':
      return {
        type: 'open',
        observer: f.text('observer'),
        device: f.text('device'),
        watch: f.oneOf('watch', ['port', 'bridge']),
        engine: f.oneOf('engine', ['libpcap', 'cap', 'ring']),
        macs: f.texts('macs'),
        filter: f.text('filter'),
        snaplen: f.count('snaplen'),
        buffer: f.count('buffer'),
        description: f.text('description'),
      };
    case 'search':
      return { type: 'search', runTag: f.countOrNull('runTag') };
    case 'seal':
      return { type: 'seal' };
    case 'mark':
      return { type: 'mark', id: f.text('id'), accounts: f.flag('accounts') };
    case 'count':
      return { type: 'count', account: f.text('account'), devices: f.texts('devices') };
    case 'stop':
    case 'rest':
    case 'again':
      return { type: f.type };
    default:
      throw f.unknownType();
  }
}

function toSend(f: MessageFields): ToSend {
  switch (f.type) {
    case 'frames':
      return { type: 'frames' };
    case 'adopt':
      return { type: 'adopt', socket: f.text('socket') };
    case 'send':
      return {
        type: 'send',
        id: f.count('id'),
        routes: f.children('routes').map((route) => ({
          socket: route.text('socket'),
          interface: route.count('interface'),
          count: route.count('count'),
          ...(route.has('size') ? { size: route.count('size') } : {}),
          ...(route.has('countsDropped') && route.flag('countsDropped') ? { countsDropped: true as const } : {}),
        })),
        length: f.count('length'),
        at: f.count('at'),
        bytes: f.count('bytes'),
        perSecond: f.rateOrNull('perSecond'),
      };
    case 'stop':
      return { type: 'stop' };
    default:
      throw f.unknownType();
  }
}

function toRelay(f: MessageFields): ToRelay {
  switch (f.type) {
    case 'start':
      return {
        type: 'start',
        bridge: f.text('bridge'),
        device: f.text('device'),
        macs: f.texts('macs'),
        everything: f.flag('everything'),
      };
    case 'stop':
      return { type: 'stop' };
    default:
      throw f.unknownType();
  }
}

function fromCapture(f: MessageFields): FromCapture {
  switch (f.type) {
    case 'ready':
      return ready(f);
    case 'fault':
      return fault(f);
    case 'listening': {
      const facts = f.child('facts');
      return {
        type: 'listening',
        observer: f.text('observer'),
        facts: {
          engine: facts.oneOf('engine', ['libpcap', 'cap', 'ring']),
          timestamps: facts.oneOf('timestamps', ['kernel', 'user']),
          originalLength: facts.flag('originalLength'),
          direction: facts.oneOf('direction', ['known', 'inferred']),
        },
        version: f.text('version'),
      };
    }
    case 'sealed':
      return {
        type: 'sealed',
        uid: f.count('uid'),
        capabilities: f.text('capabilities'),
        filtered: f.flag('filtered'),
      };
    case 'counts':
      return { type: 'counts', taken: f.count('taken') };
    case 'marked':
      return {
        type: 'marked',
        id: f.text('id'),
        counters: f.map('counters', counters),
        accounts: f.map('accounts', accountWindow),
      };
    case 'again':
      return { type: 'again', unchanged: f.flag('unchanged') };
    case 'stopped':
    case 'rested':
      return {
        type: f.type,
        counters: f.map('counters', counters),
        written: f.counts('written'),
        kept: f.children('kept').map((frame) => ({
          observer: frame.text('observer'),
          towards: frame.flag('towards'),
          frame: frame.text('frame'),
        })),
      };
    default:
      throw f.unknownType();
  }
}

function fromSend(f: MessageFields): FromSend {
  switch (f.type) {
    case 'ready':
      return ready(f);
    case 'fault':
      return fault(f);
    case 'beat':
      return { type: 'beat' };
    case 'opened':
      return { type: 'opened', socket: f.text('socket') };
    case 'sent':
      return { type: 'sent', id: f.count('id'), accepted: f.count('accepted'), error: f.textOrNull('error') };
    case 'stopped':
      return { type: 'stopped' };
    default:
      throw f.unknownType();
  }
}

function fromRelay(f: MessageFields): FromRelay {
  switch (f.type) {
    case 'ready':
      return ready(f);
    case 'fault':
      return fault(f);
    case 'relaying':
      return { type: 'relaying', bridge: f.text('bridge'), device: f.text('device') };
    case 'stopped':
      return { type: 'stopped', toGuest: f.count('toGuest'), fromGuest: f.count('fromGuest') };
    default:
      throw f.unknownType();
  }
}

function ready(f: MessageFields): Ready {
  return { type: 'ready', version: f.text('version'), pid: f.count('pid') };
}

function fault(f: MessageFields): HelperFault {
  return {
    type: 'fault',
    code: parseFaultCode(f.text('code')),
    observer: f.textOrNull('observer'),
    message: f.text('message'),
  };
}

function counters(f: MessageFields): Counters {
  return { received: f.count('received'), dropped: f.count('dropped'), delivered: f.count('delivered') };
}

function accountWindow(f: MessageFields): AccountWindow {
  return {
    readings: f.count('readings'),
    low: f.whole('low'),
    high: f.whole('high'),
    droppedFirst: f.count('droppedFirst'),
    droppedLast: f.count('droppedLast'),
    sentAtLow: f.count('sentAtLow'),
    meetings: f.count('meetings'),
    still: f.flag('still'),
    rest: f.count('rest'),
  };
}
