/**
 * The part of WebAssembly that is used here (WebAssembly JavaScript Interface, 5.3); without it where Node was started
 * with --jitless.
 */
declare const WebAssembly: {
  readonly Memory: {
    new (pages: { readonly initial: number; readonly maximum: number }): { readonly buffer: ArrayBuffer };
    new (pages: {
      readonly initial: number;
      readonly maximum: number;
      readonly shared: true;
    }): { readonly buffer: SharedArrayBuffer };
  };
};

const wasmPage = 65_536;

function pagesFor(length: number): { readonly initial: number; readonly maximum: number } {
  const pages = Math.ceil(length / wasmPage);
  return { initial: pages, maximum: pages };
}

/**
 * `length` bytes to read files into, that begin where a page of memory begins. Other large arrays begin 16 bytes
 * behind (malloc of the C library), where the kernel's copy on some processors takes five times as long: 0.5 instead of
 * 0.1 s a GB on an AMD EPYC of the third generation. For few that live long, since each takes gigabytes of address
 * space; where these are not available it is an array like any other.
 */
export function pageMemory(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(new WebAssembly.Memory(pagesFor(length)).buffer, 0, length);
  } catch {
    return new Uint8Array(length);
  }
}

/** As `pageMemory`, for several threads. */
export function sharedPageMemory(length: number): Uint8Array<SharedArrayBuffer> {
  try {
    return new Uint8Array(new WebAssembly.Memory({ ...pagesFor(length), shared: true }).buffer, 0, length);
  } catch {
    return new Uint8Array(new SharedArrayBuffer(length));
  }
}
