/** npm's `pcap-parser` 0.2.1 has no types. */
declare module 'pcap-parser' {
  export interface PacketHeader {
    readonly timestampSeconds: number;
    readonly timestampMicroseconds: number;
    readonly capturedLength: number;
    readonly originalLength: number;
  }
  export interface GlobalHeader {
    readonly snapshotLength: number;
    readonly linkLayerType: number;
  }
  export interface Source {
    pause(): void;
    resume(): void;
    on(event: string, listener: (data: Buffer) => void): void;
  }
  export interface Parser {
    on(event: 'globalHeader', listener: (header: GlobalHeader) => void): void;
    on(event: 'packet', listener: (packet: { readonly header: PacketHeader; readonly data: Buffer }) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
  }
  export function parse(source: Source): Parser;
}
