import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { Sha256 } from "../../frontend/src/uploads/sha256.ts";

test("the examples of FIPS 180-4 come out", () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  assert.equal(new Sha256().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(new Sha256().update(text("abc")).hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(
    new Sha256().update(text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex(),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("bytes in parts of any size come to what they come to at once", () => {
  for (const size of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_000]) {
    const data = randomBytes(size);
    const expected = createHash("sha256").update(data).digest("hex");
    for (const part of [1, 7, 63, 64, 65, 4096, 1 << 20]) {
      const found = new Sha256();
      for (let at = 0; at < size; at += part) found.update(data.subarray(at, at + part));
      assert.equal(found.hex(), expected, `${size} bytes in parts of ${part}`);
    }
  }
});

test("a length that 32 bits of bits cannot hold is counted right", () => {
  const block = new Uint8Array(16 << 20);
  const found = new Sha256();
  const expected = createHash("sha256");
  for (let n = 0; n < 33; n += 1) {
    found.update(block);
    expected.update(block);
  }
  assert.equal(found.hex(), expected.digest("hex"));
});
