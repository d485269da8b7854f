// What the buttons do.

import { post } from "./requests.js";
import { ask, note } from "./talk.js";
import { count, many } from "./format.js";

const DONE = { drain: "gets no new connection", ready: "is back", maintenance: "is in maintenance" };

/** The path of a backend's operations. */
function pathOf(pool, backend) {
  return `/api/pools/${encodeURIComponent(pool)}/backends/${encodeURIComponent(backend)}`;
}

/** Change what the operator wants of a backend: "ready", "drain" or "maintenance". */
export async function setBackend(pool, backend, wish) {
  if (wish !== "ready" && isLast(pool, backend) && !(await confirmLast(pool, backend, wish))) return;
  const before = backend.admin;
  const undo = () => send(pool.name, backend.name, before);
  await send(pool.name, backend.name, wish, undo);
}

async function send(pool, backend, wish, undo = null) {
  await attempt(async () => {
    await post(`${pathOf(pool, backend)}/${wish}`);
    note(`${backend} ${DONE[wish]}.`, { undo });
  });
}

/** Whether no other backend of the pool is up. */
function isLast(pool, backend) {
  return backend.state === "up"
    && !pool.backends.some((other) => other !== backend && other.state === "up" && !other.ejected);
}

function confirmLast(pool, backend, wish) {
  return ask({
    title: `Take the last backend of ${pool.name} away?`,
    text: `${backend.name} is the only one in ${pool.name} that is up. `
      + "New connections to this pool will find no backend.",
    yes: wish === "drain" ? "Drain it anyway" : "Maintenance anyway",
    danger: true,
  });
}

/** Read the configuration file again. */
export async function reload(status) {
  const file = status.config_file ?? "the configuration";
  const yes = await ask({
    title: "Reload the configuration?",
    text: `${file} is read again, and what has changed in it takes effect. `
      + "Connections go on. A file with a mistake changes nothing.",
    yes: "Reload",
  });
  if (!yes) return;
  await attempt(async () => {
    await post("/api/reload");
    note("The configuration was reloaded.");
  });
}

/** Stop accepting, and end the process when the last connection has ended. */
export async function stop(status) {
  const open = status.connections.active;
  const yes = await ask({
    title: "Drain and stop the balancer?",
    text: "It accepts no new connection on any listener. "
      + `${many(open, "connection")} may still finish; then the process ends. `
      + "Nothing on this page can start it again.",
    yes: open ? `Stop, with ${count(open)} open` : "Stop",
    danger: true,
  });
  if (!yes) return;
  await attempt(async () => {
    await post("/api/drain");
    note("The balancer drains and stops.");
  });
}

/** Do something, and tell when it fails. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    note(error.message, { bad: true });
  }
}
