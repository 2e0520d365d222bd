// What a running relay says of itself, and what the system says of its process.
import { readdirSync } from 'node:fs';

/** Figures of `/metrics` by name and labels as printed. */
export async function metrics(relay) {
  const text = await (await fetch(`${relay.url}metrics`)).text();
  const figures = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(figures.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** Links of one transport. */
export async function links(relay, transport) {
  return (await metrics(relay)).get(`statemesh_links{transport="${transport}"}`);
}

/** Peers it knows besides itself. */
export async function peers(relay) {
  return (await metrics(relay)).get('statemesh_peers');
}

/** Resident bytes. */
export async function residentMemory(relay) {
  return (await metrics(relay)).get('process_resident_memory_bytes');
}

/** Descriptors open in its process. */
export function openDescriptors(relay) {
  return readdirSync(`/proc/${relay.program.child.pid}/fd`).length;
}
