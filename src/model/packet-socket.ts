/** A packet socket (packet(7)) as /proc/net/packet lists it. */
export interface PacketSocket {
  readonly inode: string;
  /** Interface that it is bound to; 0 = all of them. */
  readonly ifindex: number;
  /** EtherType in hexadecimal: `0003` = every frame, `0000` = it receives nothing. */
  readonly protocol: string;
  /** Processes that hold it; empty where they belong to somebody else and cannot be seen. */
  readonly holders: readonly { readonly pid: number; readonly name: string }[];
  /** A helper of this program: what it listens to is known. */
  readonly own: boolean;
}

/** Does it receive frames, or is it for sending, or not bound yet? */
export function receives({ protocol }: Pick<PacketSocket, 'protocol'>): boolean {
  return protocol !== '0000';
}
