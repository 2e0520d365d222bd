// Recordings made by hand, as docs/smesh.md says: one machine, known to the transition or by snapshots.

/** Little-endian base 128. */
function number(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const bytes = (...parts) => Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : number(part))));
const block = (content) => bytes(content.length, content);
const text = (words) => block(Buffer.from(words, 'utf8'));
const list = (items) => bytes(items.length, ...items);
const byte = (value) => Buffer.from([value]);

/** FNV-1a, 64 bits. */
function checksum(section) {
  let sum = 0xcbf29ce484222325n;
  for (const octet of section) sum = BigInt.asUintN(64, (sum ^ BigInt(octet)) * 0x100000001b3n);
  return sum;
}

const [SCHEMA, FIRST_LOOK, RECORD] = [1, 2, 3].map(byte);
const [SNAPSHOT, TRACE, BOUNDED, NUMBERED] = [1, 3, 16, 32];
/** Flags of a head: there is one; refused; kinds are multiples of the last. */
const [HEAD, CANCELED, KIND] = [256, 2, 16_384];

/**
 * A recording of one machine at full trace that began so long before now. A step is `+State`, `-State` or `!State`, which
 * is refused; `[step, microseconds]` says how long it took. A step with a leading
 * `?` did not come; `=` is a snapshot, the owner's full clock, which says what did not. `first` numbers the first.
 */
export function recording({ id, states, steps, owner = 7, ago = 600_000, every = 100, first = 1 }) {
  const clock = states.map(() => 0);
  const missed = states.map(() => 0);
  let next = first;
  const schema = states.map((name) => bytes(text(name), byte(0), 0, 0, 0, 0, 0));
  const peer = Buffer.from([0, 36, 8, 1, 18, 32, ...Array(32).fill(owner)]);
  const events = [
    bytes(SCHEMA, list(schema)),
    bytes(FIRST_LOOK, 1, 1_000, byte(TRACE | BOUNDED), 0, 1, list(clock.map(number))),
  ];
  for (const step of steps) {
    const [words, duration] = Array.isArray(step) ? step : [step, 80];
    if (words === '=') {
      const changes = missed.flatMap((ticks, state) => (ticks > 0 ? [bytes(state, ticks)] : []));
      events.push(bytes(RECORD, 1, every, byte(SNAPSHOT | BOUNDED), every, list(changes), 0, 0));
      missed.fill(0);
      continue;
    }
    const came = words[0] !== '?';
    const what = came ? words : words.slice(1);
    const state = states.indexOf(what.slice(1));
    const turns = what[0] !== '!' && (clock[state] % 2 === 0) === (what[0] === '+');
    if (turns) clock[state] += 1;
    next += 1;
    if (!came) {
      missed[state] += turns ? 1 : 0;
      continue;
    }
    const changes = turns ? [bytes(state, 1)] : [];
    const flags = HEAD | (what[0] === '!' ? CANCELED : 0) | (what[0] === '-' ? KIND : 0);
    const head = bytes(flags, list([number(state)]), 0, 1, duration, 0);
    events.push(bytes(RECORD, 1, every, byte(TRACE | BOUNDED | NUMBERED), 0, next - 1, list(changes), head, 0));
  }
  const machine = bytes(block(peer), 1, text(id), ...events);
  // No tab, faces, peers heard, join, peers, losses, links, bookmarks.
  const around = bytes(text('by hand'), 1_000 + every * steps.length, 0, 0, 0, 0, 0, 0, 0, 0);
  const sections = [machine, around].flatMap((section) => [checksum(section), block(section)]);
  return bytes(Buffer.from('statemesh recording\n'), 1, Date.now() - ago, 1, ...sections);
}
