/** What a model or an engine is read from: its bytes, an address, or in Node.js a path. */
export type Source = ArrayBuffer | ArrayBufferView | URL | string;

export interface LoadOptions {
  /** The .xnor file; by default `model.xnor` beside `xnorkit.js`. */
  model?: Source | Promise<Source>;
  /** The engine; by default `xnorkit.wasm` beside `xnorkit.js`. */
  module?: Source | Promise<Source>;
}

export interface Input {
  channels: number;
  height: number;
  width: number;
  /** Whether `run` accepts a Float32Array, prepared as in training. */
  takesFloats: boolean;
  /** Whether `run` accepts pixels from 0 to 255: rows from top to bottom, channels red, green, blue, or grey. */
  takesPixels: boolean;
}

export interface Output {
  channels: number;
  height: number;
  width: number;
}

/** An error with a message for people: what was expected, what was received, what to do. */
export class XnorkitError extends Error {}

/** A loaded network. */
export class Model {
  private constructor();
  readonly input: Input;
  readonly output: Output;
  /** The names of the classes, where the file has them; otherwise their numbers. */
  readonly classes: string[];
  /** Returns the outputs of one image; both are in the order (channels, height, width). */
  run(image: Uint8Array | Uint8ClampedArray | Float32Array): Float32Array;
}

/** Whether this browser can run the engine. */
export function supported(): boolean;

/** Loads a model; throws an XnorkitError where the file or the browser cannot be used. */
export function load(options?: LoadOptions): Promise<Model>;
