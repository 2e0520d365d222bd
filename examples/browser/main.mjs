// A peer in a plain page: it follows all machines of a mesh and shows a lamp of its own. `?relay=…&topic=…` say where.
import init, { join } from './pkg/statemesh.js';

const asked = new URLSearchParams(location.search);
const [status, button, list] = ['[role=status]', 'button', 'ul'].map((part) => document.querySelector(part));

try {
  await init();
  const mesh = await join({
    topic: asked.get('topic') ?? 'mesh',
    relays: [asked.get('relay') ?? 'http://127.0.0.1:8700'],
  });
  addEventListener('pagehide', () => mesh.close());
  status.textContent = `Joined ${mesh.topic} over ${mesh.transport}`;

  const lamp = await mesh.expose(
    { On: { remove: ['Off'] }, Off: { remove: ['On'] } },
    { id: 'lamp', tags: ['kind:lamp'] },
  );
  lamp.onChange(({ active }) => { button.textContent = `Lamp: ${active}`; });
  lamp.add('Off');
  button.onclick = () => lamp.add(lamp.is('On') ? 'Off' : 'On');
  button.disabled = false;

  const rows = new Map();
  const enter = (machine) => {
    const row = document.createElement('li');
    const show = () => { row.textContent = `${machine.id}: ${machine.active.join(', ') || 'nothing'}`; };
    show();
    list.append(row);
    rows.set(machine.key, { row, stop: machine.onChange(show) });
  };
  const leave = (machine) => {
    const { row, stop } = rows.get(machine.key);
    stop();
    row.remove();
    rows.delete(machine.key);
  };
  mesh.watch({ firstHand: true }, enter, leave);
} catch (error) {
  status.textContent = `${error.code ?? error.name}: ${error.message}`;
}
