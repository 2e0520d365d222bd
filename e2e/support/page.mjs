// The built page as plain files, for servers that are no relay.
import { createReadStream, existsSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

const TYPES = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };

/** The file behind a path: routes without an extension are the page itself; null when there is none. */
export function distFile(path) {
  const file = join(DIST, normalize(path));
  if (!file.startsWith(DIST) || path.startsWith('/api')) return null;
  if (extname(file) === '') return join(DIST, 'index.html');
  return existsSync(file) ? file : null;
}

/** Request handler of a static server. */
export function serveDist(request, response) {
  const file = distFile(new URL(request.url, 'http://localhost').pathname);
  if (!file) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
}
