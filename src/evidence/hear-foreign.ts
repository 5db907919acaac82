import { addForeignBatch, type ForeignFold, startForeignFile } from '../judge/foreign.js';
import { readCapture } from './read-capture.js';

const ethernetLinkType = 1;

/** Reads a capture recorded by anybody into the fold, whole or up to its damage. */
export async function hearForeign(fold: ForeignFold, path: string): Promise<void> {
  const file = startForeignFile(fold, path);
  const linkTypes = new Map<number, number>();
  const ethernet = (interfaceId: number): boolean => linkTypes.get(interfaceId) === ethernetLinkType;
  for await (const item of readCapture(path)) {
    switch (item.kind) {
      case 'batch':
        addForeignBatch(fold, file, item, ethernet);
        break;
      case 'interface':
        linkTypes.set(item.id, item.linkType);
        break;
      case 'damage':
        file.damages.push(`offset ${item.offset}: ${item.message}`);
        break;
      case 'section':
      case 'statistics':
        break;
    }
  }
}
