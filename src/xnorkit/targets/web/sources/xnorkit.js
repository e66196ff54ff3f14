// Runs a packed network (.xnor) in a browser, a worker or Node.js, on one thread, without a server.
//
//     import { load } from "./xnorkit.js";
//     const model = await load();                    // the model and the module that lie beside this file
//     const logits = model.run(new Uint8Array(...)); // pixels (channels, height, width), red, green, blue
//
// The answers have the same bits as those of the Python runtime.

// The smallest module with an instruction of each kind that the engine needs: i8x16.popcnt of i8x16.splat.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
const FLOAT32 = 0;
const UINT8 = 1;

/** An error with a message for people: what was expected, what was received, what to do. */
export class XnorkitError extends Error {
  constructor(message) {
    super(message);
    this.name = "XnorkitError";
  }
}

/** Whether this browser can run the engine. */
export function supported() {
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(SIMD));
}

/**
 * Loads a model. Without arguments it reads `model.xnor` and `xnorkit.wasm` beside this file; `model` and `module` may
 * be bytes, addresses, in Node.js also paths, or promises of these.
 */
export async function load({ model = beside("model.xnor"), module = beside("xnorkit.wasm") } = {}) {
  if (!supported()) {
    throw new XnorkitError(
      "This browser has no WebAssembly SIMD, which the engine needs. Use a version of Chrome, Edge, Firefox or Safari " +
        "from 2023 or later.",
    );
  }
  const [file, code] = await Promise.all([bytes(model, "the model"), bytes(module, "the engine")]);
  const compiled = await WebAssembly.compile(code).catch((error) => {
    throw new XnorkitError(`The engine cannot be compiled (${error.message}), but it must be the bytes of xnorkit.wasm.`);
  });
  let fused;
  // The module leaves decimal numbers to JavaScript.
  const host = {
    fused_sums: (tile, pixels, sums) => (fused ? fused(tile, pixels, sums) : 0),
    read_number: (at) => Number(textAt(engine, at)),
    write_number: (number, digits, at) => {
      const text = `${Number(number.toPrecision(digits))}\0`;
      new TextEncoder().encodeInto(text, new Uint8Array(engine.memory.buffer, at));
    },
  };
  const { exports: engine } = await WebAssembly.instantiate(compiled, { xnorkit: host });
  fused = await fusedSums(compiled, engine.memory);
  return new Model(engine, file);
}

// The part of the engine that needs fused multiply-adds, where there are any: a browser may lack the instruction, and a
// processor may round twice.
async function fusedSums(compiled, memory) {
  const [part] = WebAssembly.Module.customSections(compiled, "fused");
  if (!WebAssembly.validate(part)) return undefined;
  const { exports } = (await WebAssembly.instantiate(part, { env: { memory } })).instance;
  return exports.multiply_add(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11) === 2 ** -24 ? exports.fused_sums : undefined;
}

/** A loaded network; `load` makes it. */
export class Model {
  #engine;
  #images;
  #outputs;

  constructor(engine, file) {
    this.#engine = engine;
    engine._initialize?.();
    this.#call(() => {
      const at = engine.xw_allocate(file.length);
      new Uint8Array(engine.memory.buffer, at, file.length).set(file);
      engine.xw_load(at, file.length);
      engine.xw_free(at);
    });
    const [channels, height, width, takesFloats, takesPixels, classes, rows, columns] = new Int32Array(
      engine.memory.buffer,
      engine.xw_describe(),
      8,
    );
    /** One image: its shape, and the kinds of numbers that are accepted. */
    this.input = { channels, height, width, takesFloats: takesFloats === 1, takesPixels: takesPixels === 1 };
    /** The result of one image. */
    this.output = { channels: classes, height: rows, width: columns };
    /** The names of the classes, where the file has them; otherwise their numbers. */
    this.classes = Array.from({ length: classes }, (_, i) => this.#text(engine.xw_class(i)) || `${i}`);
    this.#call(() => {
      this.#images = engine.xw_allocate(4 * channels * height * width);
      this.#outputs = engine.xw_allocate(4 * classes * rows * columns);
    });
  }

  /**
   * Returns the outputs of one image, a Float32Array (channels, height, width).
   *
   * image: a Uint8Array of pixels from 0 to 255, or a Float32Array prepared as in training, (channels, height, width).
   */
  run(image) {
    const { channels, height, width, takesFloats, takesPixels } = this.input;
    const pixels = image instanceof Uint8Array || image instanceof Uint8ClampedArray;
    const floats = image instanceof Float32Array;
    if (!(pixels && takesPixels) && !(floats && takesFloats)) {
      const kinds = [takesPixels && "a Uint8Array of pixels", takesFloats && "a Float32Array"].filter(Boolean);
      const received = image?.constructor?.name ?? String(image);
      throw new XnorkitError(`The image is of type ${received}, but it must be ${kinds.join(" or ")}.`);
    }
    if (image.length !== channels * height * width) {
      throw new XnorkitError(
        `The image has ${image.length} numbers, but it must have ${channels * height * width}, in the order ` +
          `(channels, height, width) = (${channels}, ${height}, ${width}).`,
      );
    }
    if (floats && !image.every(Number.isFinite)) {
      throw new XnorkitError("The image holds NaN or an infinite number, but its numbers must be finite.");
    }
    const engine = this.#engine;
    new (pixels ? Uint8Array : Float32Array)(engine.memory.buffer, this.#images, image.length).set(image);
    this.#call(() => engine.xw_run(pixels ? UINT8 : FLOAT32, this.#images, this.#outputs));
    const { channels: c, height: h, width: w } = this.output;
    return new Float32Array(engine.memory.buffer, this.#outputs, c * h * w).slice();
  }

  // The engine stops where it fails, and leaves a message.
  #call(body) {
    try {
      return body();
    } catch (error) {
      const message = this.#text(this.#engine.xw_message());
      throw new XnorkitError(message || `The engine stopped: ${error.message}.`);
    }
  }

  #text(at) {
    return textAt(this.#engine, at);
  }
}

// A C string in the engine's memory.
function textAt(engine, at) {
  const memory = new Uint8Array(engine.memory.buffer);
  return new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)));
}

function beside(name) {
  return new URL(name, import.meta.url);
}

async function bytes(source, what) {
  const value = await source;
  const path = typeof value === "string" && !/^[a-z][a-z0-9+.-]+:/i.test(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  try {
    if (typeof process === "object" && (path || String(value).startsWith("file:"))) {
      const { readFile } = await import("node:fs/promises");
      return await readFile(path ? value : new URL(value));
    }
    const response = await fetch(value);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new XnorkitError(`${value} cannot be read (${error.message}), but it must be ${what}: bytes or an address.`);
  }
}
