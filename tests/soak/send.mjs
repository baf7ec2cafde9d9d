// Send one file with tus-js-client, as its own manual does it, and print the track's id.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { createRequire } from "node:module";

const [endpoint, path, modules] = process.argv.slice(2);
const { Upload } = createRequire(`${modules}/`)("tus-js-client");
let track = "";
const upload = new Upload(createReadStream(path), {
  endpoint,
  uploadSize: statSync(path).size,
  chunkSize: 1 << 20,
  metadata: { filename: basename(path) },
  onAfterResponse: (_request, response) => {
    track = response.getHeader("Sarau-Track") || track;
  },
  onError: (error) => {
    console.error(error);
    process.exit(1);
  },
  onSuccess: () => console.log(track),
});
upload.start();
