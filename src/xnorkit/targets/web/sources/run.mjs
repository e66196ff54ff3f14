// Runs the images in the file `images`, uint8 or float32, and writes their outputs to the file `outputs`.
import { readFile, writeFile } from "node:fs/promises";
import { load } from "./xnorkit.js";

const model = await load();
const { buffer } = new Uint8Array(await readFile("images"));
const numbers = process.argv[2] === "uint8" ? new Uint8Array(buffer) : new Float32Array(buffer);
const { channels, height, width } = model.input;
const size = channels * height * width;
const outputs = [];
for (let at = 0; at < numbers.length; at += size) outputs.push(...model.run(numbers.subarray(at, at + size)));
await writeFile("outputs", new Float32Array(outputs));
