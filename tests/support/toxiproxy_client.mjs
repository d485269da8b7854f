// Walks through the whole interface of npm's toxiproxy-node-client; takes the URL of the API.
import assert from "node:assert/strict";
import net from "node:net";
import { createRequire } from "node:module";

const { Toxiproxy } = createRequire(`${process.cwd()}/`)("toxiproxy-node-client");

function connects(listen) {
  const [host, port] = listen.split(":");
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), host);
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}

const server = new Toxiproxy(process.argv[2]);
assert.match(await server.getVersion(), /2\.12\.0/);

const wish = { name: "redis", listen: "localhost:0", upstream: "localhost:6379" };
const proxy = await server.createProxy(wish);
assert.match(proxy.listen, /^127\.0\.0\.1:\d+$/);
assert.deepEqual(proxy.toJson(), { ...wish, listen: proxy.listen, enabled: true });
await assert.rejects(server.createProxy(wish), /409/);
assert.deepEqual((await server.get("redis")).toJson(), proxy.toJson());
assert.deepEqual(Object.keys(await server.getAll()), ["redis"]);
await assert.rejects(server.get("nobody"), /404/);

assert.ok(await connects(proxy.listen));
const off = await proxy.update({ ...proxy.toJson(), enabled: false });
assert.equal(off.enabled, false);
assert.ok(!(await connects(proxy.listen)));
await server.reset();
assert.ok(await connects(proxy.listen));

const toxic = await proxy.addToxic({ type: "latency", attributes: { latency: 100, jitter: 5 } });
assert.deepEqual(toxic.toJson(), {
  attributes: { latency: 100, jitter: 5 },
  name: "latency_downstream",
  stream: "downstream",
  toxicity: 1,
  type: "latency",
});
await assert.rejects(proxy.addToxic({ type: "rot", attributes: {} }), /400/);
const changed = await toxic.update({ ...toxic.toJson(), attributes: { latency: 1 } });
assert.deepEqual(changed.attributes, { latency: 1, jitter: 5 });
assert.deepEqual((await proxy.getToxic(toxic.name)).toJson(), changed.toJson());
await toxic.remove();
await assert.rejects(proxy.getToxic(toxic.name), /404/);

const all = await server.populate([proxy.toJson(), { name: "other", upstream: "localhost:1" }]);
assert.deepEqual(Object.keys(all), ["redis", "other"]);
assert.equal(all.redis.listen, proxy.listen);
await all.redis.remove();
await all.other.remove();
assert.deepEqual(await server.getAll(), {});
