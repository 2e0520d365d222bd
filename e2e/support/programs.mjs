// Programs under test as child processes: started, listened to line by line, signalled and ended by their own id.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starting a program, or waiting for the end of one, on a busy machine. */
export const STARTED = 60_000;

/** The path of a program that `cargo xtask test` built and named in the environment. */
export function programPath(variable) {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set: run these tests with \`cargo xtask test\``);
  return path;
}

/** A child process whose stdout lines are kept and can be waited for. */
export class Program {
  constructor(name, path, args) {
    this.name = name;
    this.lines = [];
    this.waiters = new Set();
    this.child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = [];
    this.ended = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#take(line));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.errors.push(line);
      if (this.errors.length > 50) this.errors.shift();
    });
    this.child.on('exit', () => this.#wake());
    this.child.stdin.on('error', () => {}); // it may end before it read everything
  }

  #take(line) {
    let value = line;
    try {
      value = JSON.parse(line);
    } catch {
      // for people
    }
    this.lines.push(value);
    this.#wake();
  }

  #wake() {
    for (const waiter of [...this.waiters]) waiter();
  }

  /** The first line from `after` on that fits, seen already or still to come. */
  async line(fits, { limit = STARTED, after = 0 } = {}) {
    let next = after;
    const look = () => {
      for (; next < this.lines.length; next += 1) {
        if (fits(this.lines[next])) return { found: this.lines[next] };
      }
      const ended = this.child.exitCode !== null || this.child.signalCode !== null;
      return ended ? { failed: `ended: ${this.errors.slice(-5).join('\n')}` } : null;
    };
    let waiter;
    let timer;
    const outcome = await new Promise((resolve) => {
      waiter = () => {
        const seen = look();
        if (seen) resolve(seen);
      };
      timer = setTimeout(() => resolve({ failed: `no such line in ${limit} ms` }), limit);
      this.waiters.add(waiter);
      waiter();
    });
    clearTimeout(timer);
    this.waiters.delete(waiter);
    if (outcome.failed) {
      throw new Error(`${this.name}: ${outcome.failed}; last lines: ${JSON.stringify(this.lines.slice(-5))}`);
    }
    return outcome.found;
  }

  tell(line) {
    this.child.stdin.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  signal(name) {
    this.child.kill(name);
  }

  /** Ends it without a chance to say goodbye. */
  async kill() {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Asks it to end; a program that does not is killed, and that is an error. */
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), 20_000);
    const { code, signal } = await this.ended;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${this.name} ended with ${code ?? signal}: ${this.errors.slice(-5).join('\n')}`);
  }
}

/** A relay on ports of its own, which survive a restart. */
export class Relay {
  constructor(args) {
    this.args = args;
    this.dataDir = mkdtempSync(join(tmpdir(), 'statemesh-e2e-'));
  }

  static async start(...args) {
    const relay = new Relay(args);
    relay.ports = { http: await freePort('tcp'), tcp: await freePort('tcp'), quic: await freePort('udp'), webrtc: await freePort('udp') };
    await relay.restart();
    return relay;
  }

  /** Starts it (again) on the same ports with the same key. */
  async restart() {
    const { http, tcp, quic, webrtc } = this.ports;
    this.program = new Program('the relay', programPath('STATEMESH_RELAY'), [
      'relay',
      ...['--http', `127.0.0.1:${http}`],
      ...['--listen', `/ip4/127.0.0.1/tcp/${tcp}`],
      ...['--listen', `/ip4/127.0.0.1/udp/${quic}/quic-v1`],
      ...['--listen', `/ip4/127.0.0.1/udp/${webrtc}/webrtc-direct`],
      ...['--data-dir', this.dataDir],
      ...this.args,
    ]);
    await this.program.line((line) => typeof line === 'string' && line.includes('http://'));
    this.about = await (await fetch(`${this.url}api/relay`)).json();
  }

  get url() {
    return `http://127.0.0.1:${this.ports.http}/`;
  }

  get peer() {
    return this.about.peer;
  }

  get topic() {
    return this.about.topic;
  }

  get quic() {
    return this.about.addresses.find((address) => address.includes('/quic-v1'));
  }

  async stop() {
    try {
      await this.program.stop();
    } finally {
      rmSync(this.dataDir, { recursive: true, force: true });
    }
  }
}

/** `statemesh watch --json` on a relay, with the clocks every machine has had. */
export class Watch extends Program {
  constructor(relay) {
    super('watch', programPath('STATEMESH_RELAY'), ['watch', '--json', '--topic', relay.topic, '--connect', relay.quic]);
  }

  /** Everything known of one machine: its states and all clocks seen. */
  history(peer, machine) {
    const lines = this.lines.filter((line) => line.peer === peer && line.machine === machine && line.clock);
    const states = lines.find((line) => line.event === 'machine')?.states ?? [];
    return { states, clocks: lines.map((line) => line.clock) };
  }
}

/** The Go peer of `interop/`, joined. */
export async function startGoPeer(relay, ...args) {
  const go = new Program('the Go peer', programPath('STATEMESH_GOPEER'), ['-topic', relay.topic, '-connect', relay.quic, ...args]);
  await go.line((line) => line.event === 'joined');
  return go;
}

/** A Rust peer that exposes what it is told, with any names. */
export async function startScripted(relay, ...args) {
  const scripted = new Program('the scripted peer', programPath('STATEMESH_SCRIPTED'), ['--topic', relay.topic, '--connect', relay.quic, ...args]);
  const { peer } = await scripted.line((line) => line.event === 'peer');
  scripted.peer = peer;
  return scripted;
}

/** One host of the demo as a process of its own, on a day when nothing goes wrong. */
export function startHost(relay, name) {
  const args = ['demo', '--host', name, '--calm', '--seed', '7', '--topic', relay.topic, '--connect', relay.quic];
  return new Program(name, programPath('STATEMESH_RELAY'), args);
}

/** A neighbour that lies; with `as` it says that its messages are that peer's. */
export async function startHostile(relay, as) {
  const tcp = relay.about.addresses.find((address) => /\/tcp\/\d+\/p2p\//.test(address));
  const args = ['--topic', relay.topic, '--connect', tcp, ...(as ? ['--as', as] : [])];
  const hostile = new Program('the hostile peer', programPath('STATEMESH_HOSTILE'), args);
  const line = await hostile.line((line) => typeof line === 'string' && line.startsWith('listening'));
  hostile.address = line.split(' ')[1];
  hostile.peer = hostile.address.split('/').pop();
  return hostile;
}

/** A port nobody listens on right now. */
export async function freePort(kind) {
  const holder = kind === 'udp' ? createSocket('udp4') : createServer();
  if (kind === 'udp') holder.bind(0, '127.0.0.1');
  else holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address();
  holder.close();
  await once(holder, 'close');
  return port;
}
