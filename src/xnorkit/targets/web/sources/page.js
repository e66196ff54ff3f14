// The page around a model: input, answer, time.

const MOST_BARS = 5;
const MEASURED_MS = 12; // per answer, so that the clock's steps do not show
const WARM_UP_MS = 200;
const byId = (id) => document.getElementById(id);
const canvasOf = (width, height) => Object.assign(document.createElement("canvas"), { width, height });
const pixelsOf = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

function decoded(id) {
  return Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
}

// The weights of a resize along one axis: triangles as wide as a new pixel, at least as an old one, so that shrinking
// averages and enlarging interpolates.
function weights(from, to) {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach));
    const last = Math.min(from, Math.ceil(centre + reach));
    const row = Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k + 0.5 - centre) / reach)),
    );
    const sum = row.reduce((a, b) => a + b, 0);
    return { first, row: row.map((w) => w / sum) };
  });
}

/** Returns planes (channels, height, width) of pixels from RGBA data of any size. */
function resized({ data, width, height }, channels, newWidth, newHeight) {
  const across = weights(width, newWidth);
  const down = weights(height, newHeight);
  const narrow = new Float32Array(newWidth * height);
  const planes = new Uint8Array(channels * newWidth * newHeight);
  for (let c = 0; c < channels; ++c) {
    for (let y = 0; y < height; ++y) {
      for (let x = 0; x < newWidth; ++x) {
        const { first, row } = across[x];
        let sum = 0;
        for (let k = 0; k < row.length; ++k) sum += row[k] * data[4 * (y * width + first + k) + c];
        narrow[y * newWidth + x] = sum;
      }
    }
    for (let y = 0; y < newHeight; ++y) {
      const { first, row } = down[y];
      for (let x = 0; x < newWidth; ++x) {
        let sum = 0;
        for (let k = 0; k < row.length; ++k) sum += row[k] * narrow[(first + k) * newWidth + x];
        planes[(c * newHeight + y) * newWidth + x] = Math.round(sum);
      }
    }
  }
  return planes;
}

function shares(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (v) => Math.exp(v - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function fail(error) {
  byId("answer").textContent = error.message;
  byId("answer").className = "error";
  byId("bars").replaceChildren();
  byId("time").textContent = "";
}

function showSeen(planes, { channels, height, width }) {
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; ++i) {
    for (let c = 0; c < 3; ++c) image.data[4 * i + c] = planes[Math.min(c, channels - 1) * height * width + i];
    image.data[4 * i + 3] = 255;
  }
  pixelsOf(byId("seen")).putImageData(image, 0, 0);
}

/** Runs an image and shows the answer. Returns the outputs. */
function classify(model, planes) {
  let runs = 0;
  let logits;
  const start = performance.now();
  let spent;
  do {
    logits = model.run(planes);
    ++runs;
    spent = performance.now() - start;
  } while (spent < MEASURED_MS);
  const found = shares(logits)
    .map((share, index) => ({ share, name: model.classes[index] }))
    .sort((a, b) => b.share - a.share)
    .slice(0, MOST_BARS);
  showSeen(planes, model.input);
  byId("answer").className = "";
  // Only what is new, so that a screen reader does not repeat it for every picture of a camera.
  if (byId("answer").textContent !== found[0].name) byId("answer").textContent = found[0].name;
  byId("bars").replaceChildren(
    ...found.map(({ share, name }) => {
      const part = (kind) => Object.assign(document.createElement("span"), { className: kind });
      const item = document.createElement("li");
      const [label, track, fill, value] = ["class", "track", "fill", "share"].map(part);
      label.textContent = name;
      value.textContent = percent(share);
      fill.style.width = `${100 * share}%`;
      track.append(fill);
      item.append(label, track, value);
      return item;
    }),
  );
  const each = runs === 1 ? "one run" : `mean of ${runs} runs`;
  byId("time").textContent = `${(spent / runs).toPrecision(2)} ms per image (${each}, one thread of your device)`;
  return logits;
}

// As the digits of MNIST are made: the drawing's box is scaled to 20 of 28 pixels, and its centre of mass is in the
// middle.
function centred(paper, { height, width }) {
  const { data, width: w, height: h } = pixelsOf(paper).getImageData(0, 0, paper.width, paper.height);
  let [left, top, right, bottom] = [w, h, -1, -1];
  for (let y = 0; y < h; ++y) {
    for (let x = 0; x < w; ++x) {
      if (data[4 * (y * w + x)] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return null;
  const size = [right - left + 1, bottom - top + 1];
  const scale = ((20 / 28) * Math.min(width, height)) / Math.max(...size);
  const [boxWidth, boxHeight] = size.map((s) => Math.max(1, Math.round(s * scale)));
  const box = resized(pixelsOf(paper).getImageData(left, top, ...size), 1, boxWidth, boxHeight);
  let [sum, sumX, sumY] = [0, 0, 0];
  box.forEach((v, i) => {
    sum += v;
    sumX += v * (i % boxWidth);
    sumY += v * Math.floor(i / boxWidth);
  });
  const place = (mass, length, all) => Math.min(Math.max(0, Math.round((all - 1) / 2 - mass)), all - length);
  const [x0, y0] = [place(sumX / sum, boxWidth, width), place(sumY / sum, boxHeight, height)];
  const planes = new Uint8Array(width * height);
  box.forEach((v, i) => (planes[(y0 + Math.floor(i / boxWidth)) * width + x0 + (i % boxWidth)] = v));
  return planes;
}

function drawing(model) {
  const paper = byId("paper");
  const pen = pixelsOf(paper);
  const step = paper.width / 20;
  let at = null; // where the pen is, while it is down
  let key = { x: paper.width / 2, y: paper.height / 2, down: false };
  let asked = false;

  const clear = () => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, paper.width, paper.height);
    pixelsOf(byId("seen")).clearRect(0, 0, model.input.width, model.input.height);
    byId("answer").className = "";
    byId("answer").textContent = "Draw something.";
    byId("bars").replaceChildren();
    byId("time").textContent = "";
  };
  const answer = () => {
    asked = false;
    const planes = centred(paper, model.input);
    if (planes) classify(model, planes);
  };
  const line = (from, to) => {
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: paper.width / 14, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x + 0.01, to.y); // a line without length would leave no dot
    pen.stroke();
    if (!asked) requestAnimationFrame(answer);
    asked = true;
  };
  const point = (event) => {
    const box = paper.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * paper.width) / box.width,
      y: ((event.clientY - box.top) * paper.height) / box.height,
    };
  };
  paper.addEventListener("pointerdown", (event) => {
    paper.setPointerCapture(event.pointerId);
    at = point(event);
    line(at, at);
  });
  paper.addEventListener("pointermove", (event) => {
    if (!at) return;
    const to = point(event);
    line(at, to);
    at = to;
  });
  for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => (at = null));
  paper.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === " ") {
      key.down = !key.down;
      if (key.down) line(key, key);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      const inside = (v, all) => Math.min(Math.max(v, step), all - step);
      const to = { ...key, x: inside(key.x + dx * step, paper.width), y: inside(key.y + dy * step, paper.height) };
      if (key.down) line(key, to);
      key = to;
    } else {
      return;
    }
    event.preventDefault();
  });
  byId("clear").addEventListener("click", clear);
  clear();
}

function pictures(model) {
  const { channels, width, height } = model.input;
  const picture = byId("picture");
  const video = byId("video");
  const drop = byId("drop");
  const camera = byId("camera");
  let stream = null;

  // Over white where it is transparent; a crop of what a camera sees, so that its proportions stay.
  const use = (source, x, y, w, h) => {
    const whole = canvasOf(w, h);
    const pen = pixelsOf(whole);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, w, h);
    pen.drawImage(source, x, y, w, h, 0, 0, w, h);
    classify(model, resized(pen.getImageData(0, 0, w, h), channels, width, height));
    return whole;
  };
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    camera.textContent = "Use the camera";
    camera.setAttribute("aria-pressed", "false");
  };
  const open = async (file) => {
    if (!file) return;
    stop();
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      fail(new Error(`${file.name} cannot be read as a picture. Choose a PNG, JPEG, WebP or another file that this browser shows.`));
      return;
    }
    // Beyond these, a canvas stays black without an error in one browser or another.
    if (Math.max(bitmap.width, bitmap.height) > 16384 || bitmap.width * bitmap.height > 2 ** 28) {
      fail(new Error(`${file.name} has ${bitmap.width} × ${bitmap.height} pixels, more than a browser can draw. Choose a smaller picture.`));
      return;
    }
    const whole = use(bitmap, 0, 0, bitmap.width, bitmap.height);
    picture.width = whole.width;
    picture.height = whole.height;
    pixelsOf(picture).drawImage(whole, 0, 0);
    picture.setAttribute("aria-label", `The picture ${file.name}`);
    picture.hidden = false;
    byId("hint").hidden = true;
  };
  const frame = () => {
    if (!stream) return;
    if (video.videoWidth > 0) {
      const scale = Math.min(video.videoWidth / width, video.videoHeight / height);
      const [w, h] = [Math.floor(width * scale), Math.floor(height * scale)];
      use(video, (video.videoWidth - w) / 2, (video.videoHeight - h) / 2, w, h);
    }
    requestAnimationFrame(frame);
  };
  camera.addEventListener("click", async () => {
    if (stream) {
      stop();
      return;
    }
    try {
      if (!navigator.mediaDevices) throw new Error("the address of this page is not safe, as https is");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      fail(new Error(`The camera cannot be used (${error.message}). If there is one, allow it for this page, or choose a picture.`));
      return;
    }
    video.srcObject = stream;
    picture.hidden = true;
    byId("hint").hidden = true;
    video.hidden = false;
    camera.textContent = "Stop the camera";
    camera.setAttribute("aria-pressed", "true");
    await video.play();
    frame();
  });
  byId("file").addEventListener("change", (event) => open(event.target.files[0]));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") open(event.dataTransfer.files[0]);
    });
  }
  byId("answer").textContent = "Choose a picture, drop one, or use the camera.";
}

// Browsers compile a module quickly, and what runs often once more, to faster code: the first runs show no usual time.
function warmUp(model) {
  const { channels, height, width } = model.input;
  const nothing = new Uint8Array(channels * height * width);
  const start = performance.now();
  while (performance.now() - start < WARM_UP_MS) model.run(nothing);
  performance.measure("warm-up", { start });
}

try {
  const model = await load({ model: decoded("model"), module: decoded("engine") });
  warmUp(model);
  (byId("paper") ? drawing : pictures)(model);
  // For those who open the console.
  globalThis.xnorkit = { model, classify: (planes) => classify(model, planes) };
} catch (error) {
  fail(error);
}
