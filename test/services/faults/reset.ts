import type { Socket } from 'node:net';

/**
 * Ends a connection by a TCP reset and nothing before it. `socket.resetAndDestroy()` ends the stream first, so that the other side often sees an
 * ordinary end; this sets what that method sets and destroys at once.
 */
export function resetNow(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
