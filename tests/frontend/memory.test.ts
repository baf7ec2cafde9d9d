import assert from "node:assert/strict";
import { test } from "node:test";
import { keep, recall } from "../../frontend/src/memory.ts";

function browserWith(storage: PropertyDescriptor): void {
  Object.defineProperty(globalThis, "localStorage", { ...storage, configurable: true });
}

test("what is kept is recalled", () => {
  const all = new Map<string, string>();
  browserWith({ value: { getItem: (key: string) => all.get(key) ?? null, setItem: (key: string, value: string) => all.set(key, value) } });
  keep("preset", "podcast");
  assert.equal(recall("preset"), "podcast");
});

test("a browser that blocks storage recalls nothing, and the page starts all the same", () => {
  browserWith({
    get: () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    },
  });
  keep("preset", "podcast");
  assert.equal(recall("preset"), null);
});
