// Send one file with tus-js-client through whatever happens: node send.mjs ENDPOINT FILE.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Upload } from "tus-js-client";

const [endpoint, path] = process.argv.slice(2);
const upload = new Upload(createReadStream(path), {
  endpoint,
  uploadSize: statSync(path).size,
  chunkSize: 1 << 20,
  retryDelays: Array(600).fill(300),
  metadata: { filename: basename(path), preset: "archive" },
  onError: (error) => {
    console.error(error);
    process.exit(1);
  },
});
upload.start();
