// Smaller pictures: at most 256 colours, chosen by how often they occur and how bright they are, as an indexed PNG.
import { readFileSync, writeFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';

const COLOURS = 256;
/** A pixel of a bright colour counts as so many grey ones. */
const RARE = 16;

/** Writes the picture `from` with few colours to `to`. */
export async function shrink(browser, from, to) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { width, height, rgb } = await page.evaluate(read, readFileSync(from).toString('base64'));
  await context.close();
  const { palette, indexed } = reduce(Buffer.from(rgb, 'base64'));
  writeFileSync(to, png(width, height, palette, indexed));
}

/** Runs in a page, which can decode. */
async function read(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  let text = '';
  for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(data[at], data[at + 1], data[at + 2]);
  return { width: bitmap.width, height: bitmap.height, rgb: btoa(text) };
}

/** Far from grey: there is little of it, and it says much. */
function isBright(value) {
  const parts = [16, 8, 0].map((bits) => (value >> bits) & 255);
  return Math.max(...parts) - Math.min(...parts) > 80;
}

/** The most frequent colours; every other one becomes the nearest of them. */
function reduce(rgb) {
  const colour = (at) => rgb.readUIntBE(at * 3, 3);
  const counts = new Map();
  for (let at = 0; at * 3 < rgb.length; at += 1) counts.set(colour(at), (counts.get(colour(at)) ?? 0) + 1);
  const weighed = [...counts].map(([value, count]) => [value, isBright(value) ? count * RARE : count]);
  const palette = weighed.sort(([a, m], [b, n]) => n - m || a - b).slice(0, COLOURS).map(([value]) => value);
  const places = new Map(palette.map((value, at) => [value, at]));
  const indexed = Buffer.alloc(rgb.length / 3);
  for (let at = 0; at < indexed.length; at += 1) {
    const value = colour(at);
    if (!places.has(value)) places.set(value, nearest(palette, value));
    indexed[at] = places.get(value);
  }
  return { palette, indexed };
}

function nearest(palette, value) {
  const far = (a, b) => [16, 8, 0].reduce((sum, bits) => sum + (((a >> bits) & 255) - ((b >> bits) & 255)) ** 2, 0);
  let best = 0;
  for (let at = 1; at < palette.length; at += 1) if (far(palette[at], value) < far(palette[best], value)) best = at;
  return best;
}

/** PNG of type 3: a palette, and an index for each pixel. */
function png(width, height, palette, indexed) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.concat(palette.map((value) => Buffer.from([value >> 16, (value >> 8) & 255, value & 255])));
  const rows = Array.from({ length: height }, (_, row) => [Buffer.from([0]), indexed.subarray(row * width, (row + 1) * width)]);
  const data = deflateSync(Buffer.concat(rows.flat()), { level: 9 });
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('PLTE', colours), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(checksum(body));
  return Buffer.concat([length, body, sum]);
}

/** CRC-32 of PNG. */
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const octet of bytes) {
    sum ^= octet;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
