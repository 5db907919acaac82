import type { Present } from '../../../core/bridge/undo/decision.js';
import type { UndoEntry } from '../../../core/bridge/undo/entry.js';
import { readSysctl } from '../../kernel/sysctl.js';
import { readJson } from '../../process/programs.js';
import { readOvsPresent } from './present-ovs.js';

/** Reads what the system says at this moment of what an entry is about. Rejects with VerifyError where it cannot. */
export async function readPresent(entry: UndoEntry, netns: string | null): Promise<Present> {
  switch (entry.kind) {
    case 'interface':
    case 'setting':
      return { links: await readLinks(netns) };
    case 'sysctl': {
      const sysctl = readSysctl(netns, [entry.name])[entry.name];
      return { links: await readLinks(netns), ...(sysctl === undefined ? {} : { sysctl }) };
    }
    case 'vlan':
      return { links: await readLinks(netns), vlan: await readJson(['bridge', '-j', 'vlan', 'show'], { netns }) };
    case 'fdb':
      return { links: await readLinks(netns), fdb: await readJson(['bridge', '-j', 'fdb', 'show'], { netns }) };
    case 'mdb':
      return { links: await readLinks(netns), mdb: await readJson(['bridge', '-j', 'mdb', 'show'], { netns }) };
    case 'ovs-column':
    case 'ovs-flood':
    case 'ovs-vlan':
    case 'ovs-fdb':
    case 'ovs-mirror':
      return { links: [], ovs: await readOvsPresent(entry) };
  }
}

function readLinks(netns: string | null): Promise<unknown> {
  return readJson(['ip', '-j', '-d', 'link', 'show'], { netns });
}
