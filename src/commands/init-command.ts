import { Document, isMap, isSeq } from 'yaml';
import { parseNeighbours } from '../fabric/host/find.js';
import { netnsPath } from '../fabric/host/netns-path.js';
import { type Found, chooseBridge, foundScenario } from '../plan/found-scenario.js';
import { escapeText } from '../report/escape-text.js';
import { loadScenario } from '../scenario/load-scenario.js';
import { readInventory } from '../state/read-inventory.js';
import { readState } from '../state/read.js';
import { readJson } from '../sys/programs.js';

/** Prints a scenario of what runs on a bridge of this host. It is read back as `run` would before it is printed. */
export async function initCommand(options: { readonly bridge: string | undefined; readonly netns: string | undefined }): Promise<void> {
  const netns = options.netns ?? null;
  const where = netnsPath(netns);
  const [state, neighbours] = await Promise.all([readState({ netns: where, sysfs: false, sysctl: [] }), readJson(['ip', '-j', 'neigh', 'show'], { netns: where })]);
  const bridge = chooseBridge(state, options.bridge ?? null);
  const inventory = await readInventory(state.links, where);
  const text = written(foundScenario({ state, neighbours: parseNeighbours(neighbours), inventory, bridge, netns }));
  loadScenario('what init found', Buffer.from(text));
  process.stdout.write(text);
}

/** The file: comments hold names that guests and their owners chose, so that nothing in them may end the line. */
function written({ scenario, notes, origins, sentences }: Found): string {
  const document = new Document(scenario);
  const comment = (text: string): string => ` ${escapeText(text)}`;
  if (notes.length > 0) document.commentBefore = notes.map(comment).join('\n');
  const endpoints = document.getIn(['topology', 'endpoints']);
  for (const pair of isMap(endpoints) ? endpoints.items : []) {
    const origin = origins[String(pair.key)];
    if (origin !== undefined && isMap(pair.value)) pair.value.commentBefore = comment(origin);
  }
  const policy = document.get('policy');
  for (const [index, rule] of (isSeq(policy) ? policy.items : []).entries()) {
    if (isMap(rule)) rule.commentBefore = comment(sentences[index] ?? '');
  }
  return document.toString({ lineWidth: 0 });
}
